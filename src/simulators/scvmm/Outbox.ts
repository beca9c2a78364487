/** What the server has for one Receive: fragments of a shell or of one of its commands, in order, until it is done. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

export interface Batch {
  readonly fragments: ReadonlyArray<Uint8Array>
  /** "Done": nothing will follow. "Gone": the shell was closed meanwhile. */
  readonly state: "Running" | "Done" | "Gone"
}

export interface Outbox {
  readonly push: (fragments: ReadonlyArray<Uint8Array>) => void
  /** Gives back what was taken and did not reach its client: the next taker gets it first. */
  readonly restore: (fragments: ReadonlyArray<Uint8Array>) => void
  /** What is in it is still handed out. */
  readonly finish: () => void
  /** Whatever is in it is lost; waiters are answered at once. */
  readonly abandon: () => void
  /** Waits for something, then takes as many fragments as fit `maxBytes`, at least one. Interrupted, it takes none. */
  readonly take: (maxBytes: number) => Effect.Effect<Batch>
}

export const make = (): Outbox => {
  const ready = Latch.makeUnsafe(false)
  const waiting: Array<Uint8Array> = []
  let end: "Done" | "Gone" | undefined

  const drain = (maxBytes: number): Batch | undefined => {
    if (end === "Gone") return { fragments: [], state: "Gone" }
    const fragments: Array<Uint8Array> = []
    let size = 0
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (fragments.length > 0 && size + next.length > maxBytes) break
      fragments.push(next)
      size += next.length
      waiting.shift()
    }
    if (waiting.length === 0 && end === undefined) ready.closeUnsafe()
    const state = waiting.length === 0 && end !== undefined ? end : "Running"
    return fragments.length === 0 && state === "Running" ? undefined : { fragments, state }
  }

  const take = (maxBytes: number): Effect.Effect<Batch> =>
    Effect.flatMap(ready.await, () => {
      const batch = drain(maxBytes)
      // Another Receive was quicker.
      return batch === undefined ? take(maxBytes) : Effect.succeed(batch)
    })

  return {
    push: (fragments) => {
      if (end !== undefined || fragments.length === 0) return
      waiting.push(...fragments)
      ready.openUnsafe()
    },
    restore: (fragments) => {
      if (end === "Gone" || fragments.length === 0) return
      waiting.unshift(...fragments)
      ready.openUnsafe()
    },
    finish: () => {
      end ??= "Done"
      ready.openUnsafe()
    },
    abandon: () => {
      end = "Gone"
      ready.openUnsafe()
    },
    take
  }
}
