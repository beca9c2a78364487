/** The metrics of work queues, controllers and informers, named as controller-runtime and client-go name theirs. */
import * as Metric from "effect/Metric"

/**
 * client-go's: 10 ns to 1000 s by tens, multiplied one by one as prometheus.ExponentialBuckets does, so that the last digits of
 * a boundary are the same.
 */
const queueBoundaries = Array.from({ length: 11 }).reduce<ReadonlyArray<number>>(
  (boundaries) => [...boundaries, (boundaries.at(-1) ?? 0) * 10],
  [1e-8]
)

/** controller-runtime's. */
const reconcileBoundaries = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2,
  2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60
]

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

/** Labels `name`, `controller`, as all of workqueue_*, and `priority`: 0, -100. */
export const queueDepth = Metric.gauge("workqueue_depth", {
  description: "Current depth of workqueue by workqueue and priority"
})
export const queueAdds = counter("workqueue_adds_total", "Total number of adds handled by workqueue")
export const queueRetries = counter(
  "workqueue_retries_total",
  "Total number of items added to the workqueue with a non-zero delay (back-off, or a reconcile that asks to run again)"
)
export const queueSeconds = Metric.histogram("workqueue_queue_duration_seconds", {
  description: "How long in seconds an item stays in workqueue before being requested",
  boundaries: queueBoundaries
})
export const workSeconds = Metric.histogram("workqueue_work_duration_seconds", {
  description: "How long in seconds processing an item from workqueue takes.",
  boundaries: queueBoundaries
})
export const unfinishedSeconds = Metric.gauge("workqueue_unfinished_work_seconds", {
  description:
    "How many seconds of work has been done that is in progress and hasn't been observed by work_duration. Large values indicate stuck workers. One can deduce the number of stuck workers by observing the rate at which this increases."
})
export const longestRunningSeconds = Metric.gauge("workqueue_longest_running_processor_seconds", {
  description: "How many seconds has the longest running processor for workqueue been running."
})

/** Values of the label `result` of `reconciles`. */
export const results = ["success", "error", "requeue_after", "requeue"] as const

/** Labels `controller`, as all of controller_runtime_*, and `result`. */
export const reconciles = counter(
  "controller_runtime_reconcile_total",
  "Total number of reconciliations per controller"
)
export const reconcileErrors = counter(
  "controller_runtime_reconcile_errors_total",
  "Total number of reconciliation errors per controller"
)
export const terminalErrors = counter(
  "controller_runtime_terminal_reconcile_errors_total",
  "Total number of terminal reconciliation errors per controller"
)
export const panics = counter(
  "controller_runtime_reconcile_panics_total",
  "Total number of reconciliation panics per controller"
)
export const timeouts = counter(
  "controller_runtime_reconcile_timeouts_total",
  "Total number of reconciliation timeouts per controller"
)
export const reconcileSeconds = Metric.histogram("controller_runtime_reconcile_time_seconds", {
  description: "Length of time per reconciliation per controller",
  boundaries: reconcileBoundaries
})
export const activeWorkers = Metric.gauge("controller_runtime_active_workers", {
  description: "Number of currently used workers per controller"
})
export const maxConcurrent = Metric.gauge("controller_runtime_max_concurrent_reconciles", {
  description: "Maximum number of concurrent reconciles per controller"
})

/** Label `kind`: plural.group. */
export const undecodable = counter(
  "capscvmm_undecodable_objects_total",
  "Stored objects that could not be read, each version counted once"
)
