/** The metrics of work queues, controllers and informers, named as controller-runtime and client-go name theirs. */
import * as Metric from "effect/Metric"

/** client-go's: 10 ns to 1000 s by tens; below a millisecond nothing is measured here. */
const queueBoundaries = [0.001, 0.01, 0.1, 1, 10, 100, 1000]

/** controller-runtime's, thinned. */
const reconcileBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120]

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

export const queueDepth = Metric.gauge("workqueue_depth", { description: "Current depth of workqueue" })
export const queueAdds = counter("workqueue_adds_total", "Total number of adds handled by workqueue")
export const queueRetries = counter("workqueue_retries_total", "Total number of retries handled by workqueue")
export const queueSeconds = Metric.histogram("workqueue_queue_duration_seconds", {
  description: "How long in seconds an item stays in workqueue before being requested",
  boundaries: queueBoundaries
})
export const workSeconds = Metric.histogram("workqueue_work_duration_seconds", {
  description: "How long in seconds processing an item from workqueue takes",
  boundaries: queueBoundaries
})

/** Label `result`: success, error, requeue_after, requeue. */
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

/** Labels `group` and `kind`. */
export const undecodable = counter(
  "capscvmm_undecodable_objects_total",
  "Stored objects that could not be read, each version counted once"
)
