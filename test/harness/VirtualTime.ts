/** Running an effect to its end while virtual time passes. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"

/** Lets every fiber that can run do so: exchanges in process take many steps but no time. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 200 })

/** Runs `effect`, moving the test clock a second at a time whenever all else has come to rest; an hour at most. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect)
    for (let second = 0; second < 3600; second++) {
      yield* settle
      if (fiber.pollUnsafe() !== undefined) break
      yield* TestClock.adjust("1 second")
    }
    return yield* Fiber.join(fiber)
  })
