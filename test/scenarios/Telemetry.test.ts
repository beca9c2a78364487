import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { serviceName } from "../../layers/telemetry/Tracing.ts"
import { sum as metric, valueOf } from "../harness/Exposition.ts"
import type * as Jaeger from "../harness/Jaeger.ts"
import type * as OperatorProcess from "../harness/OperatorProcess.ts"
import { jaegerBinary, observe } from "./Observation.ts"
import { quiet } from "./Site.ts"

class Observed extends Context.Service<Observed, Effect.Success<typeof observe>>()("test/scenarios/Observed") {}

type Line = OperatorProcess.Line

const isCall = (line: Line): boolean => line["message"] === "PowerShell call"
const reconcileKeys = ["controller", "namespace", "name", "reconcileID"]

const groups = (lines: ReadonlyArray<Line>, key: string, value: string): ReadonlyMap<unknown, Set<unknown>> => {
  const found = new Map<unknown, Set<unknown>>()
  for (const line of lines) found.set(line[key], (found.get(line[key]) ?? new Set()).add(line[value]))
  return found
}

const count = <A>(items: Iterable<A>): ReadonlyMap<A, number> => {
  const counts = new Map<A, number>()
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
  return counts
}

/** All spans that Jaeger was sent. */
const exported = Effect.fnUntraced(function* (jaeger: Jaeger.Jaeger) {
  const query = `service=${serviceName}&limit=100000`
  // The shape of Jaeger's own JSON, of which only these members are read.
  const answer = JSON.parse((yield* jaeger.query(`/api/traces?${query}`)) ?? "{}") as {
    readonly data: ReadonlyArray<{ readonly spans: ReadonlyArray<Jaeger.Span> }>
  }
  return answer.data.flatMap(({ spans }) => spans)
})

describe("what an operator says of itself", () => {
  layer(Layer.effect(Observed, quiet(observe)), {
    timeout: "90 seconds",
    excludeTestServices: true
  })((it) => {
    it.effect("a SIGTERM ends it regularly, with nothing left", () =>
      Effect.map(Observed, ({ end, leftovers }) => {
        assert.strictEqual(end, 0)
        assert.deepStrictEqual(leftovers, [])
      })
    )

    it.effect("every line of a reconcile says which one, and has the ids of its trace", () =>
      Effect.map(Observed, ({ lines }) => {
        const ofReconciles = lines.filter((line) => reconcileKeys.some((key) => key in line && key !== "name"))
        assert.isAbove(ofReconciles.length, 10)
        for (const line of ofReconciles) {
          for (const key of [...reconcileKeys, "trace_id", "span_id"]) {
            assert.match(String(line[key]), /./u, `${key} of ${JSON.stringify(line)}`)
          }
          assert.match(String(line["trace_id"]), /^[0-9a-f]{32}$/u)
          assert.match(String(line["span_id"]), /^[0-9a-f]{16}$/u)
        }
        const byId = groups(ofReconciles, "reconcileID", "trace_id")
        assert.isTrue([...byId.values()].every((traces) => traces.size === 1))
        const traces = new Set(ofReconciles.map((line) => line["trace_id"]))
        const byTrace = groups(
          lines.filter((line) => traces.has(line["trace_id"])),
          "trace_id",
          "reconcileID"
        )
        assert.isTrue([...byTrace.values()].every((ids) => ids.size === 1))
        assert.deepStrictEqual(
          new Set(ofReconciles.map((line) => line["controller"])),
          new Set(["scvmmprovider", "scvmmmachine"])
        )
      })
    )

    it.effect("every PowerShell call is one line and one of winrm_calls_total", () =>
      Effect.map(Observed, ({ calls, lines, metrics }) => {
        const told = lines.filter(isCall)
        for (const line of told) {
          assert.strictEqual(line["outcome"], "ok")
          assert.isAtLeast(Number(line["duration_ms"]), 0)
          assert.isAtLeast(Number(line["exchanges"]), 1)
        }
        assert.deepStrictEqual(count(told.map((line) => String(line["function"]))), calls)
        for (const [verb, times] of calls) {
          assert.strictEqual(metric(metrics, "winrm_calls_total", { function: verb }), times, verb)
          assert.strictEqual(metric(metrics, "winrm_calls_duration_seconds_count", { function: verb }), times, verb)
        }
        assert.strictEqual(metric(metrics, "winrm_calls_errors_total"), 0)
      })
    )

    it.effect("/readyz and /metrics, by controller-runtime's names", () =>
      Effect.map(Observed, ({ lines, metrics, ready }) => {
        assert.strictEqual(ready.body, "ok\n")
        for (const controller of ["scvmmprovider", "scvmmmachine"]) {
          const ended = lines.filter(
            (line) => line["controller"] === controller && String(line["message"]).startsWith("reconcile")
          )
          assert.strictEqual(metric(metrics, "controller_runtime_reconcile_total", { controller }), ended.length)
          assert.strictEqual(
            metric(metrics, "controller_runtime_reconcile_time_seconds_count", { controller }),
            ended.length
          )
          assert.strictEqual(metric(metrics, "controller_runtime_active_workers", { controller }), 0)
          assert.isAbove(metric(metrics, "workqueue_adds_total", { name: controller }), 0)
          const own = { name: controller, controller }
          assert.strictEqual(valueOf(metrics, "workqueue_depth", { ...own, priority: "0" }), 0)
          assert.strictEqual(valueOf(metrics, "workqueue_depth", { ...own, priority: "-100" }), 0)
          assert.strictEqual(valueOf(metrics, "workqueue_unfinished_work_seconds", own), 0)
          assert.strictEqual(valueOf(metrics, "controller_runtime_reconcile_panics_total", { controller }), 0)
        }
        assert.isAbove(metric(metrics, "rest_client_requests_total", { method: "PATCH", code: "200" }), 0)
        assert.isAbove(metric(metrics, "process_resident_memory_bytes"), 0)
      })
    )

    it.effect("each controller has as many workers as its flag says", () =>
      Effect.map(Observed, ({ metrics }) => {
        for (const [controller, workers] of [
          ["scvmmmachine", 7],
          ["scvmmcluster", 3],
          ["scvmmprovider", 2]
        ] as const) {
          assert.strictEqual(valueOf(metrics, "controller_runtime_max_concurrent_reconciles", { controller }), workers)
        }
      })
    )

    it.effect("no metric has a label that grows with the objects", () =>
      Effect.map(Observed, ({ metrics }) => {
        const values = [...metrics.values()].flatMap(({ samples }) =>
          samples.flatMap(({ labels }) => Object.values(labels))
        )
        assert.isAbove(values.length, 100)
        for (const value of values) assert.notMatch(value, /lonely|bootstrap-|[0-9a-f]{8}-[0-9a-f]{4}-/u)
      })
    )

    it.effect("no trace header reaches a Windows host", () =>
      Effect.map(Observed, ({ headers }) => {
        assert.isAbove(headers.length, 20)
        const names = new Set(headers.flatMap((entries) => Object.keys(entries)))
        assert.deepStrictEqual(
          [...names].filter((header) => /^(?:traceparent|tracestate|baggage|b3|x-b3-.*|uber-trace-id)$/u.test(header)),
          []
        )
      })
    )

    it.effect("no secret is in the log", () =>
      Effect.map(Observed, ({ secrets, text: log }) => {
        assert.deepStrictEqual(
          secrets.filter((secret) => log.includes(secret)),
          []
        )
      })
    )

    if (jaegerBinary === "") {
      it.skip("traces (skipped: JAEGER_BIN is not set)", () => undefined)
      return
    }

    it.effect("every line of a reconcile is found by its trace id, with Kubernetes and PowerShell spans", () =>
      Effect.gen(function* () {
        const { jaeger, lines } = yield* Observed
        if (jaeger === undefined) return assert.fail("no Jaeger")
        const traces = new Set(
          lines.flatMap((line) => (line["trace_id"] === undefined ? [] : [String(line["trace_id"])]))
        )
        const spans = new Map(
          (yield* Effect.forEach([...traces], jaeger.trace, { concurrency: 8 }))
            .flat()
            .map((span) => [span.spanID, span])
        )
        for (const line of lines) {
          if (line["trace_id"] === undefined) continue
          const span = spans.get(String(line["span_id"]))
          if (span === undefined) return assert.fail(`no span of ${JSON.stringify(line)}`)
          assert.strictEqual(span.traceID, line["trace_id"])
          if (isCall(line)) {
            assert.strictEqual(span.operationName, "ScvmmSession.run")
            assert.strictEqual(span.tags.find(({ key }) => key === "scvmm.function")?.value, line["function"])
          }
        }
        const machine = lines.filter((line) => line["controller"] === "scvmmmachine")
        const ofMachine = new Set(machine.map((line) => line["trace_id"]))
        const names = new Set(
          [...spans.values()].filter(({ traceID }) => ofMachine.has(traceID)).map(({ operationName }) => operationName)
        )
        for (const expected of ["Controller.reconcile", "KubeClient.get", "KubeClient.patch", "ScvmmSession.run"]) {
          assert.isTrue(names.has(expected), `${expected} in ${[...names].join(", ")}`)
        }
      })
    )

    it.effect("every write to Kubernetes is a span", () =>
      Effect.gen(function* () {
        const { jaeger, metrics } = yield* Observed
        if (jaeger === undefined) return assert.fail("no Jaeger")
        const spans = yield* exported(jaeger)
        for (const [method, verb] of [
          ["PATCH", "patch"],
          ["POST", "create"]
        ] as const) {
          const found = spans.filter(({ operationName }) => operationName === `KubeClient.${verb}`)
          assert.strictEqual(found.length, metric(metrics, "rest_client_requests_total", { method }))
          for (const { tags } of found) assert.isTrue(tags.some(({ key }) => key === "k8s.resource"))
        }
      })
    )

    it.effect("no secret is in the export", () =>
      Effect.gen(function* () {
        const { jaeger, secrets } = yield* Observed
        if (jaeger === undefined) return assert.fail("no Jaeger")
        const all = JSON.stringify(yield* exported(jaeger))
        assert.isTrue(all.includes("New-CapsVirtualMachine"))
        assert.deepStrictEqual(
          secrets.filter((secret) => all.includes(secret)),
          []
        )
      })
    )
  })
})
