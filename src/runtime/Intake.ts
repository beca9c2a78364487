/** The gate of all work: closed until this process leads, and closed for good when it is to end. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/**
 * ## Expected flow
 * `open` when the process leads; workers wait for `opened`, take a key, and run it through `admit`. `drain` at the end.
 *
 * ## Guarantees
 * Nothing is begun before `open`, and nothing after `drain`: what asks then waits for ever, since it is about to be interrupted.
 */
export interface Intake {
  readonly open: Effect.Effect<void>
  readonly opened: Effect.Effect<void>
  readonly admit: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Closes it, and ends when nothing that was admitted runs any more. */
  readonly drain: Effect.Effect<void>
  /** How much was admitted and runs. */
  readonly running: Effect.Effect<number>
}

export const make: Effect.Effect<Intake> = Effect.sync(() => {
  const opened = Latch.makeUnsafe()
  const idle = Latch.makeUnsafe(true)
  let drained = false
  let running = 0

  const begin = Effect.sync(() => {
    running++
    idle.closeUnsafe()
  })
  const end = Effect.sync(() => {
    running--
    if (running === 0) idle.openUnsafe()
  })

  return {
    open: Effect.sync(() => void opened.openUnsafe()),
    opened: opened.await,
    admit: (work) =>
      Effect.suspend(() =>
        drained
          ? Effect.never
          : Effect.acquireUseRelease(
              begin,
              () => work,
              () => end
            )
      ),
    drain: Effect.suspend(() => {
      drained = true
      return idle.await
    }),
    running: Effect.sync(() => running)
  }
})

/** Always open unless somebody provides another. */
export const Intake = Context.Reference<Pick<Intake, "opened" | "admit">>("capscvmm/runtime/Intake", {
  defaultValue: () => ({ opened: Effect.void, admit: (work) => work })
})
