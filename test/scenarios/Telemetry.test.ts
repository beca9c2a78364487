import { assert, describe, layer } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as path from "node:path"
import { serviceName } from "../../layers/telemetry/Tracing.ts"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { objects, text } from "../../src/simulators/kube/KubeJson.ts"
import * as Jaeger from "../harness/Jaeger.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import { create, eventually, quiet, site } from "./Site.ts"

const namespace = "default"
const name = "lonely"
const bootstrapSecret = "bootstrap-token-9f3a61"
const base64 = (value: string): string => Buffer.from(value).toString("base64")

const fetchText = (url: string) =>
  Effect.promise(async () => {
    const answer = await fetch(url)
    return { status: answer.status, body: await answer.text() }
  })

/** Value of a metric, summed over the series whose labels hold all of `labels`. */
const metric = (exposition: string, metricName: string, labels: Readonly<Record<string, string>> = {}): number =>
  exposition
    .split("\n")
    .filter((line) => line.startsWith(`${metricName}{`) || line.startsWith(`${metricName} `))
    .filter((line) => Object.entries(labels).every(([key, value]) => line.includes(`${key}="${value}"`)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)

/** A secret as it may stand in a text: as it is, in hex, and in base64 wherever it begins. */
const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  Buffer.from(secret).toString("hex"),
  base64(secret).slice(0, -4),
  base64(` ${secret}`).slice(2, -4),
  base64(`  ${secret}`).slice(3, -4)
]

/** What is known of an operator that made a stand-alone machine, removed it, and was stopped. */
const observe = Effect.gen(function* () {
  const headers: Array<Readonly<Record<string, string>>> = []
  const here = yield* site({ seed: "telemetry", onWinRm: (request) => void headers.push(request.headers) })
  const { access, scvmm } = here.world
  const binary = process.env["JAEGER_BIN"]
  const jaeger = binary === undefined ? undefined : yield* Jaeger.start(binary, here.folder)
  const operator = yield* OperatorProcess.start({
    kubeconfig: here.kubeconfig,
    log: path.join(here.folder, "operator.log"),
    // At this level every reconcile says something.
    env: { LOG_LEVEL: "debug", ...(jaeger !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint }) },
    flags: ["--vm-transition-period", "0.2"]
  })
  const listening = yield* eventually(
    "the line of the addresses",
    Effect.map(operator.lines, (lines) => lines.find(({ message }) => message === "listening"))
  )
  const health = `http://${String(listening["health"])}`
  const ready = yield* eventually(
    "/readyz is 200",
    Effect.map(fetchText(`${health}/readyz`), (answer) => (answer.status === 200 ? answer : undefined))
  )

  const [secret, provider] = Demo.manifests({ ...here.target, namespace }, { controlPlanes: 1, workers: 0 })
  if (secret === undefined || provider === undefined) return yield* Effect.die("no provider")
  yield* create(access, namespace, secret.kind, secret.object)
  yield* create(access, namespace, provider.kind, provider.object)
  yield* create(access, namespace, Core.Secret, {
    metadata: { name: "bootstrap" },
    data: { value: base64(`#cloud-config\nwrite_files: [{ path: /token, content: ${bootstrapSecret} }]\n`) }
  })
  yield* create(access, namespace, Core.ScvmmMachine, {
    metadata: { name },
    spec: {
      bootstrap: { dataSecretName: "bootstrap" },
      providerRef: { name: "scvmm", namespace },
      cloud: "Production",
      hostGroup: "Production",
      hardwareProfile: "kubernetes-gen2",
      cpuCount: 2,
      memory: "4Gi",
      disks: [{ vhDisk: "ubuntu-24.04", size: "30Gi" }],
      networking: { domain: "example.test", devices: [{ deviceName: "eth0", vmNetwork: "kubernetes" }] }
    }
  })
  yield* eventually(
    "the machine is Ready",
    Effect.map(access.get(Core.ScvmmMachine, namespace, name), (object) =>
      objects(object, "status", "conditions").some(
        (condition) => text(condition, "type") === "Ready" && text(condition, "status") === "True"
      )
        ? true
        : undefined
    )
  )
  yield* access.delete(Core.ScvmmMachine, namespace, name)
  yield* eventually(
    "the machine is gone",
    Effect.map(access.find(Core.ScvmmMachine, namespace, name), (object) => (object === undefined ? true : undefined))
  )
  const scrape = Effect.map(fetchText(`http://${String(listening["diagnostics"])}/metrics`), ({ body }) => body)
  // A little later nothing is under way any more.
  const metrics = yield* eventually(
    "the operator rests",
    Effect.gen(function* () {
      const requests = metric(yield* scrape, "rest_client_requests_total")
      yield* Effect.sleep("300 millis")
      const later = yield* scrape
      return metric(later, "rest_client_requests_total") === requests ? later : undefined
    })
  )
  const end = yield* operator.stop
  return {
    ready,
    metrics,
    end,
    headers,
    calls: scvmm.state.calls(),
    leftovers: scvmm.state.leftovers(),
    text: yield* operator.text,
    lines: yield* operator.lines,
    jaeger,
    secrets: [here.target.password, `${here.target.userName}:${here.target.password}`, bootstrapSecret].flatMap(forms)
  }
})

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
          assert.isAbove(metric(metrics, "controller_runtime_max_concurrent_reconciles", { controller }), 0)
          assert.isAbove(metric(metrics, "workqueue_adds_total", { name: controller }), 0)
        }
        assert.isAbove(metric(metrics, "rest_client_requests_total", { method: "PATCH", code: "200" }), 0)
        assert.isAbove(metric(metrics, "process_resident_memory_bytes"), 0)
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

    if (process.env["JAEGER_BIN"] === undefined) {
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
