/** A machine's life, made by an operator in a process of its own, and everything that the operator said meanwhile. */
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { objects, text } from "../../src/simulators/kube/KubeJson.ts"
import * as Exposition from "../harness/Exposition.ts"
import * as Jaeger from "../harness/Jaeger.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import { create, eventually, site } from "./Site.ts"
import { machineSpec } from "./MachineSpec.ts"

const namespace = "default"
const name = "lonely"
/** "" without one: then nothing is exported. */
export const jaegerBinary = process.env["JAEGER_BIN"] ?? ""
const bootstrapSecret = "bootstrap-token-9f3a61"
const base64 = (value: string): string => Buffer.from(value).toString("base64")

const fetchText = (url: string) =>
  Effect.promise(async () => {
    const answer = await fetch(url)
    return { status: answer.status, body: await answer.text() }
  })

/** A secret as it may stand in a text: as it is, in hex, and in base64 wherever it begins. */
const forms = (secret: string): ReadonlyArray<string> => [
  secret,
  Buffer.from(secret).toString("hex"),
  base64(secret).slice(0, -4),
  base64(` ${secret}`).slice(2, -4),
  base64(`  ${secret}`).slice(3, -4)
]

/** What is known of an operator that made a stand-alone machine, removed it, and was stopped. */
export const observe = Effect.gen(function* () {
  const headers: Array<Readonly<Record<string, string>>> = []
  const here = yield* site({ seed: "telemetry", onWinRm: (request) => void headers.push(request.headers) })
  const { access, scvmm } = here.world
  const jaeger = jaegerBinary === "" ? undefined : yield* Jaeger.start(jaegerBinary, here.folder)
  const operator = yield* OperatorProcess.start({
    kubeconfig: here.kubeconfig,
    log: path.join(here.folder, "operator.log"),
    // At this level every reconcile says something.
    env: { LOG_LEVEL: "debug", ...(jaeger !== undefined && { OTEL_EXPORTER_OTLP_ENDPOINT: jaeger.endpoint }) },
    flags: [
      ["--vm-transition-period", "0.2"],
      ["--scvmmmachine-concurrency", "7"],
      ["--scvmmcluster-concurrency", "3"],
      ["--scvmmprovider-concurrency", "2"]
    ].flat()
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
    spec: { ...machineSpec(namespace), bootstrap: { dataSecretName: "bootstrap" } }
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
  const scrape = Effect.map(fetchText(`http://${String(listening["diagnostics"])}/metrics`), ({ body }) =>
    Exposition.parse(body)
  )
  // A little later nothing is under way any more.
  const metrics = yield* eventually(
    "the operator rests",
    Effect.gen(function* () {
      const requests = Exposition.sum(yield* scrape, "rest_client_requests_total")
      yield* Effect.sleep("300 millis")
      const later = yield* scrape
      return Exposition.sum(later, "rest_client_requests_total") === requests ? later : undefined
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
