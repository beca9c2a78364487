/** Running an effect to its end while virtual time passes. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as TestClock from "effect/testing/TestClock"

/** Lets every fiber that can run do so: exchanges in process take many steps but no time. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 200 })

/** Runs fibers as `parent` does, and knows whether one of them is about to run. */
const watched = (parent: Scheduler.Scheduler) => {
  let waiting = 0
  const scheduler: Scheduler.Scheduler = {
    executionMode: parent.executionMode,
    shouldYield: (fiber) => parent.shouldYield(fiber),
    makeDispatcher: () => {
      const dispatcher = parent.makeDispatcher()
      return {
        scheduleTask: (task, priority) => {
          waiting++
          dispatcher.scheduleTask(() => {
            waiting--
            task()
          }, priority)
        },
        flush: () => dispatcher.flush()
      }
    }
  }
  return { scheduler, atRest: () => waiting === 0 }
}

/** Turns in which nothing was about to run: fibers of a layer that was built before belong to another scheduler. */
const restful = 20

/** Runs `effect`, moving the test clock a second at a time whenever all else has come to rest; an hour at most. */
export const inTime = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const { scheduler, atRest } = watched(yield* Scheduler.Scheduler)
    const fiber = yield* Effect.forkChild(Effect.provideService(effect, Scheduler.Scheduler, scheduler))
    for (let second = 0; second < 3600; second++) {
      for (let turns = 0; turns < restful && fiber.pollUnsafe() === undefined; turns = atRest() ? turns + 1 : 0)
        yield* Effect.yieldNow
      if (fiber.pollUnsafe() !== undefined) break
      yield* TestClock.adjust("1 second")
    }
    return yield* Fiber.join(fiber)
  })
