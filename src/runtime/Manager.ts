/** Starts informers and controllers, owns every loop of theirs, and ends when one of them does (design D18). */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { Controller } from "./Controller.ts"
import { Informers } from "./Informers.ts"

/** What the controllers of a list need together. */
type Services<C> = C extends Controller<infer R> ? R : never

export interface Manager<R> {
  /** Runs until it is interrupted; dies with the defect of the first loop that dies. */
  readonly run: Effect.Effect<never, never, R | Informers>
  /** Until the controllers are started and every store is filled. */
  readonly ready: Effect.Effect<void, never, Informers>
  /** What `ready` waits for, by name; empty when it is ready. */
  readonly pending: Effect.Effect<ReadonlyArray<string>, never, Informers>
}

export const make = <const C extends ReadonlyArray<Controller<unknown>>>(
  controllers: C
): Manager<Services<C[number]>> => {
  const started = Latch.makeUnsafe()

  const run = Effect.gen(function* () {
    const informers = yield* Informers
    // All are attached before any works: no worker starts while a store that another controller named is still empty.
    const loops = yield* Effect.forEach(controllers, (controller) => controller.start)
    yield* started.open
    yield* Effect.logInfo("controllers started").pipe(
      Effect.annotateLogs({ controllers: controllers.map(({ name }) => name).join(",") })
    )
    yield* Effect.all([informers.failed, ...loops], { concurrency: "unbounded", discard: true })
    return yield* Effect.never
  })

  return {
    // The services of a list are those of its members; inference sees only Controller<unknown>.
    run: run as Effect.Effect<never, never, Services<C[number]> | Informers>,
    ready: Effect.gen(function* () {
      yield* started.await
      yield* (yield* Informers).ready
    }),
    pending: Effect.gen(function* () {
      return started.isOpen() ? yield* (yield* Informers).pending : ["controllers"]
    })
  }
}

/** A manager of which nothing but the running is of interest. */
export const run = <const C extends ReadonlyArray<Controller<unknown>>>(
  controllers: C
): Effect.Effect<never, never, Services<C[number]> | Informers> => make(controllers).run
