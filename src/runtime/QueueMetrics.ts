/** What a work queue tells of itself, as client-go's workqueue does. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Monotonic from "./Monotonic.ts"
import * as Priority from "./Priority.ts"
import type { Request } from "./Request.ts"
import * as RuntimeMetrics from "./RuntimeMetrics.ts"

export interface QueueMetrics {
  readonly depth: (waiting: { readonly normal: number; readonly low: number }) => Effect.Effect<void>
  readonly added: (count: number) => Effect.Effect<void>
  /** Times in milliseconds of the monotonic clock. */
  readonly taken: (request: Request, queuedAt: number, now: number) => Effect.Effect<void>
  readonly finished: (request: Request, now: number) => Effect.Effect<void>
  readonly retried: Effect.Effect<void>
  /** Tells of unfinished work every half second, as client-go does, for as long as there is some. */
  readonly run: Effect.Effect<never>
}

const interval = "500 millis"

const seconds = (millis: number): number => Math.max(0, millis) / 1000

/** Every series is there from the beginning: a rate needs the zero before the first event. */
export const make = Effect.fnUntraced(function* (name: string): Effect.fn.Return<QueueMetrics> {
  const labels = { name, controller: name }
  const depthOf = (priority: Priority.Priority) =>
    Metric.withAttributes(RuntimeMetrics.queueDepth, { ...labels, priority: String(priority) })
  const [normal, low] = [depthOf(Priority.normal), depthOf(Priority.low)]
  const adds = Metric.withAttributes(RuntimeMetrics.queueAdds, labels)
  const retries = Metric.withAttributes(RuntimeMetrics.queueRetries, labels)
  const waited = Metric.withAttributes(RuntimeMetrics.queueSeconds, labels)
  const worked = Metric.withAttributes(RuntimeMetrics.workSeconds, labels)
  const unfinished = Metric.withAttributes(RuntimeMetrics.unfinishedSeconds, labels)
  const longest = Metric.withAttributes(RuntimeMetrics.longestRunningSeconds, labels)
  const startedAt = new Map<Request, number>()
  const busy = yield* Latch.make()

  const depth: QueueMetrics["depth"] = (waiting) =>
    Effect.andThen(Metric.update(normal, waiting.normal), Metric.update(low, waiting.low))

  const observe = Effect.fnUntraced(function* (now: number) {
    const ages = [...startedAt.values()].map((started) => seconds(now - started))
    yield* Metric.update(
      unfinished,
      ages.reduce((sum, age) => sum + age, 0)
    )
    yield* Metric.update(longest, Math.max(0, ...ages))
  })

  yield* depth({ normal: 0, low: 0 })
  yield* Metric.update(adds, 0)
  yield* Metric.update(retries, 0)
  yield* observe(0)
  // To read is to register.
  yield* Effect.andThen(Metric.value(waited), Metric.value(worked))
  return {
    depth,
    added: (count) => Metric.update(adds, count),
    taken: (request, queuedAt, now) =>
      Effect.suspend(() => {
        startedAt.set(request, now)
        busy.openUnsafe()
        return Metric.update(waited, seconds(now - queuedAt))
      }),
    finished: Effect.fnUntraced(function* (request, now) {
      const started = startedAt.get(request) ?? now
      startedAt.delete(request)
      yield* Metric.update(worked, seconds(now - started))
      if (startedAt.size > 0) return
      busy.closeUnsafe()
      yield* observe(now)
    }),
    retried: Metric.update(retries, 1),
    run: Effect.forever(
      Effect.gen(function* () {
        yield* busy.await
        yield* observe(yield* Monotonic.millis)
        yield* Effect.sleep(interval)
      })
    )
  }
})
