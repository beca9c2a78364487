import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Priority from "../../../src/runtime/Priority.ts"
import { make as request } from "../../../src/runtime/Request.ts"
import * as WorkQueue from "../../../src/runtime/WorkQueue.ts"
import { parse, valueOf } from "../../harness/Exposition.ts"

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

  it.effect("every waiting taker gets one of the keys that come at once", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      yield* Effect.forkChild(queue.run)
      const left = yield* Effect.forkChild(queue.take)
      const takers = [yield* Effect.forkChild(queue.take), yield* Effect.forkChild(queue.take)]
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(left)
      for (const name of ["a", "b", "c"]) yield* queue.addAfter(key(name), 5000)
      yield* TestClock.adjust("5 seconds")
      const taken = takers.map((taker) => taker.pollUnsafe())
      assert.deepStrictEqual(
        taken.map((exit) => exit !== undefined && Exit.isSuccess(exit) && exit.value.key.name),
        ["a", "b"]
      )
      assert.strictEqual((yield* queue.take).key.name, "c")
    })
  )

  it.effect("counts as client-go does", () =>
    Effect.gen(function* () {
      const queue = yield* WorkQueue.make("toy")
      yield* Effect.forkChild(queue.run)
      const own = { name: "toy", controller: "toy" }
      const value = (name: string, more: Readonly<Record<string, string>> = {}) =>
        Effect.map(PrometheusMetrics.format(), (text) => valueOf(parse(text), `workqueue_${name}`, { ...own, ...more }))
      const depth = (priority: string) => value("depth", { priority })
      // Every series is there before anything happens.
      assert.deepStrictEqual([yield* depth("0"), yield* depth("-100"), yield* value("retries_total")], [0, 0, 0])
      assert.strictEqual(yield* value("work_duration_seconds_count"), 0)

      yield* queue.add(request({ namespace: "n", name: "c" }, "test", Priority.low))
      for (const name of ["a", "b", "a"]) yield* queue.add(key(name))
      assert.deepStrictEqual([yield* depth("0"), yield* depth("-100")], [2, 1])
      yield* queue.add(key("c"))
      assert.deepStrictEqual([yield* depth("0"), yield* depth("-100")], [3, 0])
      yield* TestClock.adjust("2 seconds")
      const [first, second] = [yield* queue.take, yield* queue.take]
      assert.strictEqual(yield* depth("0"), 1)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(
        [yield* value("unfinished_work_seconds"), yield* value("longest_running_processor_seconds")],
        [6, 3]
      )
      yield* queue.finish(first, { request: first, afterMillis: 1000 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        [yield* value("unfinished_work_seconds"), yield* value("longest_running_processor_seconds")],
        [4, 4]
      )
      yield* queue.finish(second, { request: second, afterMillis: 0 })
      assert.deepStrictEqual(
        [yield* value("unfinished_work_seconds"), yield* value("longest_running_processor_seconds")],
        [0, 0]
      )
      assert.strictEqual(yield* value("adds_total"), 5)
      // At once is no retry: it waits for nothing.
      assert.strictEqual(yield* value("retries_total"), 1)
      assert.strictEqual(yield* value("queue_duration_seconds_sum"), 4)
      assert.strictEqual(yield* value("queue_duration_seconds_bucket", { le: "1" }), 0)
      assert.strictEqual(yield* value("queue_duration_seconds_bucket", { le: "10" }), 2)
      assert.strictEqual(yield* value("work_duration_seconds_sum"), 3 + 4)
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
      assert.strictEqual(yield* queue.size, 0)
    })
  )
})
