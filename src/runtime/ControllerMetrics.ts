/** What a controller tells of itself, as controller-runtime's do. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Outcome } from "./Outcome.ts"
import * as RuntimeMetrics from "./RuntimeMetrics.ts"

export interface ControllerMetrics {
  readonly began: Effect.Effect<void>
  /** After so many milliseconds. */
  readonly ended: (millis: number) => Effect.Effect<void>
  readonly timedOut: Effect.Effect<void>
  readonly concluded: (outcome: Outcome) => Effect.Effect<void>
}

/** Every series is there from the beginning: a rate needs the zero before the first event. */
export const make = Effect.fnUntraced(function* (
  controller: string,
  concurrency: number
): Effect.fn.Return<ControllerMetrics> {
  const label = { controller }
  const active = Metric.withAttributes(RuntimeMetrics.activeWorkers, label)
  const duration = Metric.withAttributes(RuntimeMetrics.reconcileSeconds, label)
  const errors = Metric.withAttributes(RuntimeMetrics.reconcileErrors, label)
  const terminal = Metric.withAttributes(RuntimeMetrics.terminalErrors, label)
  const panics = Metric.withAttributes(RuntimeMetrics.panics, label)
  const timeouts = Metric.withAttributes(RuntimeMetrics.timeouts, label)
  const total = (result: Outcome["result"]) => Metric.withAttributes(RuntimeMetrics.reconciles, { ...label, result })
  const also = { Success: [], Conflict: [], Error: [errors], Terminal: [errors, terminal], Panic: [errors, panics] }

  yield* Metric.update(Metric.withAttributes(RuntimeMetrics.maxConcurrent, label), concurrency)
  yield* Metric.update(active, 0)
  const counters = [errors, terminal, panics, timeouts, ...RuntimeMetrics.results.map(total)]
  yield* Effect.forEach(counters, (metric) => Metric.update(metric, 0), { discard: true })
  // To read is to register.
  yield* Metric.value(duration)
  return {
    began: Metric.modify(active, 1),
    ended: (millis) => Effect.andThen(Metric.modify(active, -1), Metric.update(duration, Math.max(0, millis) / 1000)),
    timedOut: Metric.update(timeouts, 1),
    concluded: (outcome) =>
      Effect.forEach([total(outcome.result), ...also[outcome._tag]], (metric) => Metric.update(metric, 1), {
        discard: true
      })
  }
})
