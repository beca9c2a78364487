/** The exposition of all metrics as Prometheus text, with those of the process. */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"

export const contentType = "text/plain; version=0.0.4; charset=utf-8"

const residentMemory = Metric.gauge("process_resident_memory_bytes", { description: "Resident memory size in bytes" })
const cpuSeconds = Metric.counter("process_cpu_seconds_total", {
  description: "Total user and system CPU time spent in seconds",
  incremental: true
})
const startTime = Metric.gauge("process_start_time_seconds", {
  description: "Start time of the process since unix epoch in seconds"
})
const heapUsed = Metric.gauge("nodejs_heap_size_used_bytes", { description: "Process heap size used in bytes" })
const heapTotal = Metric.gauge("nodejs_heap_size_total_bytes", { description: "Process heap size in bytes" })
const external = Metric.gauge("nodejs_external_memory_bytes", { description: "Memory outside the heap in bytes" })

const sampleProcess = Effect.gen(function* () {
  const memory = process.memoryUsage()
  yield* Metric.update(residentMemory, memory.rss)
  yield* Metric.update(heapUsed, memory.heapUsed)
  yield* Metric.update(heapTotal, memory.heapTotal)
  yield* Metric.update(external, memory.external)
  yield* Metric.update(startTime, performance.timeOrigin / 1000)
  const { system, user } = process.cpuUsage()
  const before = yield* Metric.value(cpuSeconds)
  yield* Metric.update(cpuSeconds, Math.max(0, (system + user) / 1_000_000 - before.count))
})

/** Every metric of the registry, the process sampled right now. */
export const exposition: Effect.Effect<string> = Effect.andThen(sampleProcess, PrometheusMetrics.format())
