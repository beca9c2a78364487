/** Counters of PowerShell calls, by the names that the predecessor's dashboards know. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

const calls = Metric.counter("winrm_calls_total", {
  description: "PowerShell functions called, by function",
  incremental: true
})
const errors = Metric.counter("winrm_calls_errors_total", {
  description: "PowerShell functions that failed, by function",
  incremental: true
})
const seconds = Metric.histogram("winrm_calls_duration_seconds", {
  description: "Time from a PowerShell call to its answer, by function",
  boundaries: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
})

/** Counts one call. `name` is one of the catalogue's, so that labels stay bounded. */
export const countCall = (name: string, duration: Duration.Duration, failed: boolean): Effect.Effect<void> => {
  const labels = { function: name }
  return Effect.all(
    [
      Metric.update(Metric.withAttributes(calls, labels), 1),
      Metric.update(Metric.withAttributes(errors, labels), failed ? 1 : 0),
      Metric.update(Metric.withAttributes(seconds, labels), Duration.toSeconds(duration))
    ],
    { discard: true }
  )
}
