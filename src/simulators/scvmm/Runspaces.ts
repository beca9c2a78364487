/** The runspaces of one pool: made as they are needed, each used by one pipeline at a time. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { PowerShellHost, Runspace, Session } from "./PowerShellHost.ts"

export interface Runspaces {
  /** One that nobody uses: an idle one, a new one while the pool may grow, else the next to be given back. */
  readonly borrow: Effect.Effect<Runspace, never, Scope.Scope>
  /** 0 until the pool is opened. */
  readonly max: () => number
  readonly allow: (max: number) => void
  /** How many pipelines could begin at once. */
  readonly available: () => number
}

/** Runspaces live as long as `scope`. */
export const make = Effect.fnUntraced(function* (
  host: PowerShellHost,
  session: Session,
  scope: Scope.Scope
): Effect.fn.Return<Runspaces> {
  const idle = yield* Queue.make<Runspace>()
  let opened = 0
  let max = 0
  return {
    borrow: Effect.acquireRelease(
      Effect.suspend(() => {
        const free = Queue.sizeUnsafe(idle) > 0
        if (free || opened >= max) return Queue.take(idle)
        opened++
        return Scope.provide(host.open(session), scope)
      }),
      (runspace) => Queue.offer(idle, runspace),
      { interruptible: true }
    ),
    max: () => max,
    allow: (next) => {
      max = next
    },
    available: () => max - opened + Queue.sizeUnsafe(idle)
  }
})
