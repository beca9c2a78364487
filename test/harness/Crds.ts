/** The CustomResourceDefinitions that tests against a real API server find there. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import type { Access } from "./ControlPlane.ts"
import { request } from "./ControlPlane.ts"

interface Crd {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: { readonly [key: string]: unknown }
}

const ours = (): ReadonlyArray<Crd> => {
  const folder = path.resolve(import.meta.dirname, "../../schemas/crds")
  if (!fs.existsSync(folder)) return []
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .toSorted()
    .map((file): Crd => Yaml.parse(fs.readFileSync(path.join(folder, file), "utf8")))
}

/** Cluster API's own for clusters, machines and control planes, from an xz-packed JSON of its release manifests; without conversion, whose webhook does not run. */
const clusterApi = (manifests: string | undefined): ReadonlyArray<Crd> => {
  if (manifests === undefined) return []
  const text = childProcess.execFileSync("xz", ["-dc", manifests], { maxBuffer: 1 << 28, encoding: "utf8" })
  // The file's shape is the test environment's word: group name to list of objects.
  const groups = JSON.parse(text) as { readonly [group: string]: ReadonlyArray<Crd> }
  return ["core", "kubeadm-bootstrap", "kubeadm-control-plane"]
    .flatMap((group) => groups[group] ?? [])
    .filter((object) => object.kind === "CustomResourceDefinition")
    .map((object) => ({ ...object, spec: { ...object.spec, conversion: { strategy: "None" } } }))
}

const collection = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

const install = (access: Access, crd: Crd) =>
  Effect.gen(function* () {
    const created = yield* request(access, "POST", collection, crd)
    if (created.status !== 201) {
      return yield* Effect.fail(new Error(`${crd.metadata.name}: status ${created.status}: ${created.text}`))
    }
    yield* request(access, "GET", `${collection}/${crd.metadata.name}`).pipe(
      Effect.filterOrFail(
        (answer) => established(answer.text),
        () => new Error(`${crd.metadata.name} is not established`)
      ),
      Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 400 })
    )
  })

const established = (text: string): boolean => {
  const crd = JSON.parse(text) as {
    readonly status?: { readonly conditions?: ReadonlyArray<{ readonly type: string; readonly status: string }> }
  }
  return (crd.status?.conditions ?? []).some((it) => it.type === "Established" && it.status === "True")
}

/** Installs our CRDs and, given its manifests, Cluster API's; waits until each is served. */
export const installCrds = (access: Access, manifests: string | undefined) =>
  Effect.forEach([...ours(), ...clusterApi(manifests)], (crd) => install(access, crd), {
    concurrency: 8,
    discard: true
  })
