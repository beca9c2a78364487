/** What a work queue tells of itself, as client-go's workqueue does. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Monotonic from "../../layers/Monotonic.ts"
import * as Priority from "./Priority.ts"
import type { Request } from "./Request.ts"
import * as RuntimeMetrics from "./RuntimeMetrics.ts"

/** Synchronous, so that what is told is part of the step that it tells of. Times are milliseconds of the monotonic clock. */
export interface QueueMetrics {
  /** Keys that wait. */
  readonly depth: (waiting: { readonly normal: number; readonly low: number }) => void
  readonly added: (count: number) => void
  readonly taken: (request: Request, queuedAt: number, now: number) => void
  readonly finished: (request: Request, now: number) => void
  readonly retried: () => void
  /** Tells of unfinished work every half second, as client-go does, for as long as there is some. */
  readonly run: Effect.Effect<never>
}

const interval = "500 millis"

const seconds = (millis: number): number => Math.max(0, millis) / 1000

/** Every series is there from the beginning: a rate needs the zero before the first event. */
export const make = Effect.fnUntraced(function* (name: string): Effect.fn.Return<QueueMetrics> {
  const services = yield* Effect.context()
  const labels = { name, controller: name }
  const told = (metric: Metric.Metric<number, unknown>, more: Readonly<Record<string, string>> = {}) => {
    const own = Metric.withAttributes(metric, { ...labels, ...more })
    // To read is to register.
    own.valueUnsafe(services)
    return (value: number): void => own.updateUnsafe(value, services)
  }
  /** Told at every turn of the queue: written when it changes. */
  const gauge = (metric: Metric.Gauge<number>, more?: Readonly<Record<string, string>>) => {
    const tell = told(metric, more)
    let last = 0
    return (value: number): void => {
      if (value !== last) tell((last = value))
    }
  }
  const normal = gauge(RuntimeMetrics.queueDepth, { priority: String(Priority.normal) })
  const low = gauge(RuntimeMetrics.queueDepth, { priority: String(Priority.low) })
  const added = told(RuntimeMetrics.queueAdds)
  const retries = told(RuntimeMetrics.queueRetries)
  const waited = told(RuntimeMetrics.queueSeconds)
  const worked = told(RuntimeMetrics.workSeconds)
  const unfinished = gauge(RuntimeMetrics.unfinishedSeconds)
  const longest = gauge(RuntimeMetrics.longestRunningSeconds)
  const startedAt = new Map<Request, number>()
  const busy = yield* Latch.make()

  const observe = (now: number): void => {
    const ages = [...startedAt.values()].map((started) => seconds(now - started))
    unfinished(ages.reduce((sum, age) => sum + age, 0))
    longest(Math.max(0, ...ages))
  }

  return {
    depth: (waiting) => {
      normal(waiting.normal)
      low(waiting.low)
    },
    added,
    taken: (request, queuedAt, now) => {
      startedAt.set(request, now)
      busy.openUnsafe()
      waited(seconds(now - queuedAt))
    },
    finished: (request, now) => {
      worked(seconds(now - (startedAt.get(request) ?? now)))
      startedAt.delete(request)
      if (startedAt.size > 0) return
      busy.closeUnsafe()
      observe(now)
    },
    retried: () => retries(1),
    run: Effect.forever(
      Effect.gen(function* () {
        yield* busy.await
        observe(yield* Monotonic.millis)
        yield* Effect.sleep(interval)
      })
    )
  }
})
