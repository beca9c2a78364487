/** How attempts to create a VM ended, as far as this process knows: what must still be waited for before another. */
import type { Creation } from "./Plan.ts"

export type Ending =
  /** This process made the attempt, and is at it or lost sight of it. */
  | { readonly _tag: "Begun" }
  /** Its shell could not be ended when this process first tried to, at that time: monotonic milliseconds. */
  | { readonly _tag: "OutOfReach"; readonly at: number }
  /** Its answer was seen, or its command never left. */
  | { readonly _tag: "Answered" }
  /** Monotonic milliseconds; from here on a request that VMM already had may still commit. */
  | { readonly _tag: "ShellDeleted"; readonly at: number }

/** Kept per attempt, so that a later one of the same machine starts anew; lost at a restart, which means waiting again. */
export interface Endings {
  readonly of: (uid: string, creation: Creation) => Ending | undefined
  readonly record: (uid: string, creation: Creation, ending: Ending) => void
  readonly forget: (uid: string) => void
}

export const make = (): Endings => {
  const known = new Map<string, { readonly shellId: string; readonly startedAt: string; readonly ending: Ending }>()
  return {
    of: (uid, creation) => {
      const entry = known.get(uid)
      return entry?.shellId === creation.shellId && entry.startedAt === creation.startedAt ? entry.ending : undefined
    },
    record: (uid, { shellId, startedAt }, ending) => void known.set(uid, { shellId, startedAt, ending }),
    forget: (uid) => void known.delete(uid)
  }
}
