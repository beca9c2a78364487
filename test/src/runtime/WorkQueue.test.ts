import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { make as request } from "../../../src/runtime/Request.ts"
import * as WorkQueue from "../../../src/runtime/WorkQueue.ts"

const key = (name: string) => request({ namespace: "n", name }, "test")

describe("WorkQueue", () => {
  it.effect("takers wait for adds and for due times, on the clock", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      yield* Effect.forkChild(queue.run)
      const log: Array<string> = []
      const worker = Effect.gen(function* () {
        const taken = yield* queue.take
        log.push(`${yield* Clock.currentTimeMillis} ${taken.key.name}`)
        yield* queue.finish(taken)
      })
      yield* Effect.forkChild(Effect.forever(worker))
      yield* Effect.forkChild(Effect.forever(worker))
      yield* queue.addAfter(key("late"), 5000)
      yield* queue.addAfter(key("later"), 9000)
      yield* TestClock.adjust("1 second")
      yield* queue.addAfter(key("early"), 1000)
      yield* queue.add(key("now"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(log, ["1000 now", "2000 early", "5000 late", "9000 later"])
      assert.strictEqual(yield* queue.size, 0)
    })
  )

  it.effect("a run's own wish is delayed, and dropped by a run that comes first", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      yield* Effect.forkChild(queue.run)
      yield* queue.add(key("a"))
      const first = yield* queue.take
      yield* queue.finish(first, { request: key("a"), afterMillis: 5000 })
      yield* TestClock.adjust("2 seconds")
      yield* queue.add(key("a"))
      yield* queue.finish(yield* queue.take)
      const idle = yield* Effect.forkChild(queue.take)
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(idle.pollUnsafe())
      yield* Fiber.interrupt(idle)
    })
  )

  it.effect("counts as client-go does", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      for (const name of ["a", "b", "a"]) yield* queue.add(key(name))
      yield* TestClock.adjust("2 seconds")
      const taken = yield* queue.take
      yield* TestClock.adjust("3 seconds")
      yield* queue.finish(taken, { request: taken, afterMillis: 1000 })
      const text = yield* PrometheusMetrics.format()
      for (const line of [
        'workqueue_depth{name="toy",controller="toy"} 1',
        'workqueue_adds_total{name="toy",controller="toy"} 2',
        'workqueue_retries_total{name="toy",controller="toy"} 1',
        'workqueue_queue_duration_seconds_sum{name="toy",controller="toy"} 2',
        'workqueue_work_duration_seconds_sum{name="toy",controller="toy"} 3'
      ]) {
        assert.include(text.split("\n"), line)
      }
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("an interrupted adder leaves no key behind", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      const taken: Array<string> = []
      yield* Effect.forkChild(
        Effect.forever(
          Effect.gen(function* () {
            const next = yield* queue.take
            taken.push(next.key.name)
            yield* queue.finish(next)
          })
        )
      )
      yield* TestClock.adjust(0)
      const adder = yield* Effect.forkChild(queue.add(key("a")), { startImmediately: true })
      yield* Fiber.interrupt(adder)
      yield* queue.add(key("a"))
      yield* TestClock.adjust(0)
      assert.isAtLeast(taken.length, 1)
      assert.strictEqual(yield* queue.depth, 0)
    })
  )
})
