/** The metrics of requests and watches, named as client-go and controller-runtime name theirs. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"

const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true })

const requests = counter(
  "rest_client_requests_total",
  "Number of HTTP requests, partitioned by status code, method, and host"
)
const retries = counter(
  "rest_client_request_retries_total",
  "Number of request retries, partitioned by status code, verb, and host"
)
const seconds = Metric.histogram("rest_client_request_duration_seconds", {
  description: "Request latency in seconds, broken down by verb, and host; without watches",
  boundaries: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
})

/** One answer, or "<error>" when there was none. `host` is ours or one constant for all workload clusters: bounded. */
export const countRequest = (labels: { readonly code: string; readonly method: string; readonly host: string }) =>
  Metric.update(Metric.withAttributes(requests, labels), 1)

export const countRetry = (labels: { readonly code: string; readonly verb: string; readonly host: string }) =>
  Metric.update(Metric.withAttributes(retries, labels), 1)

export const observeRequest = (
  labels: { readonly verb: string; readonly host: string },
  duration: Duration.Duration
): Effect.Effect<void> => Metric.update(Metric.withAttributes(seconds, labels), Duration.toSeconds(duration))

const lists = counter("reflector_lists_total", "Total number of API lists done by the reflectors")
const watches = counter("reflector_watches_total", "Total number of API watches done by the reflectors")
const shortWatches = counter(
  "reflector_short_watches_total",
  "Total number of API watches that ended within a second without an event"
)
const watchSeconds = Metric.histogram("reflector_watch_duration_seconds", {
  description: "How long an API watch took",
  boundaries: [1, 10, 60, 300, 400, 500, 600]
})
const up = Metric.gauge("capscvmm_watch_up", {
  description: "1 while a kind is watched, 0 from the first failure until a watch has held again"
})
const failures = counter(
  "capscvmm_watch_failures_total",
  "Failed lists and watches, by kind and by what they failed of"
)

/** What one watcher counts. `name` is plural.group of a kind we know: bounded. */
export const watcher = (name: string) => ({
  listed: Metric.update(Metric.withAttributes(lists, { name }), 1),
  watched: Metric.update(Metric.withAttributes(watches, { name }), 1),
  endedAtOnce: Metric.update(Metric.withAttributes(shortWatches, { name }), 1),
  lasted: (duration: Duration.Duration) =>
    Metric.update(Metric.withAttributes(watchSeconds, { name }), Duration.toSeconds(duration)),
  /** `reason` is a KubeError's tag. */
  failed: (reason: string) =>
    Effect.andThen(
      Metric.update(Metric.withAttributes(failures, { name, reason }), 1),
      Metric.update(Metric.withAttributes(up, { name }), 0)
    ),
  held: Metric.update(Metric.withAttributes(up, { name }), 1)
})
