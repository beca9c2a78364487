/** One pass over the Machines: bootstrap data, infrastructure, Node, and deletion in Cluster API's order. */
import * as Effect from "effect/Effect"
import type { KubeJson } from "../kube/KubeJson.ts"
import { at, objects, strings, text } from "../kube/KubeJson.ts"
import { cloudConfig } from "./Bootstrap.ts"
import * as Core from "./CoreApi.ts"

export const machineFinalizer = "machine.cluster.x-k8s.io"

/** Answers for the workload cluster behind a control-plane endpoint; undefined while there is none. */
export type Workload = (endpoint: string) => Core.CoreApi | undefined

export interface ClusterView {
  readonly cluster: KubeJson
  /** host:port. */
  readonly endpoint: string
  readonly infrastructureProvisioned: boolean
  readonly controlPlaneInitialized: boolean
  readonly token: string
}

const name = (object: KubeJson): string => text(object, "metadata", "name")
const namespace = (object: KubeJson): string => text(object, "metadata", "namespace")

export const isControlPlane = (machine: KubeJson): boolean =>
  at(machine, "metadata", "labels", Core.controlPlaneLabel) !== undefined
export const isDeleting = (object: KubeJson): boolean => at(object, "metadata", "deletionTimestamp") !== undefined
export const hasNode = (machine: KubeJson): boolean => at(machine, "status", "nodeRef", "name") !== undefined

const base64 = (value: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(value)))

/** The bootstrap Secret, once the cluster is far enough for it. */
const bootstrap = Effect.fnUntraced(function* (api: Core.CoreApi, view: ClusterView, machine: KubeJson, init: boolean) {
  if (at(machine, "spec", "bootstrap", "dataSecretName") !== undefined) return
  if (!view.infrastructureProvisioned || !(init || view.controlPlaneInitialized)) return
  const secret = `${name(machine)}-bootstrap`
  yield* api.create(Core.Secret, namespace(machine), {
    metadata: {
      name: secret,
      labels: { [Core.clusterLabel]: name(view.cluster) },
      ownerReferences: [Core.ownedBy(Core.Machine, machine, true)]
    },
    type: "cluster.x-k8s.io/secret",
    data: {
      value: base64(
        cloudConfig({
          controlPlane: isControlPlane(machine),
          init,
          version: text(machine, "spec", "version"),
          endpoint: view.endpoint,
          token: view.token
        })
      ),
      format: base64("cloud-config")
    }
  })
  yield* api.patch(Core.Machine, namespace(machine), name(machine), { spec: { bootstrap: { dataSecretName: secret } } })
})

const node = Effect.fnUntraced(function* (view: ClusterView, workload: Workload, providerId: string) {
  const inside = workload(view.endpoint)
  if (inside === undefined || providerId === "") return undefined
  return (yield* inside.list(Core.Node)).find((candidate) => text(candidate, "spec", "providerID") === providerId)
})

/** The infrastructure object gets its controller owner and label: the provider's start signal. */
const adopt = Effect.fnUntraced(function* (api: Core.CoreApi, machine: KubeJson, infra: KubeJson) {
  const owners = objects(infra, "metadata", "ownerReferences")
  if (owners.some((owner) => text(owner, "uid") === text(machine, "metadata", "uid"))) return
  yield* api.patch(Core.ScvmmMachine, namespace(infra), name(infra), {
    metadata: {
      labels: { [Core.clusterLabel]: text(machine, "spec", "clusterName") },
      ownerReferences: [Core.ownedBy(Core.Machine, machine, true)]
    }
  })
})

const drop = Effect.fnUntraced(function* (api: Core.CoreApi, kind: Core.Kind, object: KubeJson, finalizer: string) {
  const rest = strings(object, "metadata", "finalizers").filter((other) => other !== finalizer)
  yield* api.patch(kind, namespace(object), name(object), {
    metadata: { finalizers: rest, resourceVersion: text(object, "metadata", "resourceVersion") }
  })
})
export { drop as dropFinalizer }

const remove = Effect.fnUntraced(function* (
  api: Core.CoreApi,
  view: ClusterView | undefined,
  workload: Workload,
  machine: KubeJson
) {
  const infra = yield* api.get(
    Core.ScvmmMachine,
    namespace(machine),
    text(machine, "spec", "infrastructureRef", "name")
  )
  if (infra !== undefined) {
    if (!isDeleting(infra)) yield* api.remove(Core.ScvmmMachine, namespace(infra), name(infra))
    return
  }
  const nodeName = text(machine, "status", "nodeRef", "name")
  if (view !== undefined && nodeName !== "")
    yield* workload(view.endpoint)?.remove(Core.Node, "", nodeName) ?? Effect.void
  yield* drop(api, Core.Machine, machine, machineFinalizer)
})

/** Brings one Machine a step on. `init` tells whether this is the machine that may initialise the control plane. */
export const reconcileMachine = Effect.fnUntraced(function* (
  api: Core.CoreApi,
  view: ClusterView | undefined,
  workload: Workload,
  machine: KubeJson,
  init: boolean
) {
  if (isDeleting(machine)) return yield* remove(api, view, workload, machine)
  if (view === undefined) return
  const infra = yield* api.get(
    Core.ScvmmMachine,
    namespace(machine),
    text(machine, "spec", "infrastructureRef", "name")
  )
  if (infra === undefined) return
  yield* adopt(api, machine, infra)
  yield* bootstrap(api, view, machine, init)
  const provisioned = at(infra, "status", "initialization", "provisioned") === true
  const providerId = text(infra, "spec", "providerID")
  if (!provisioned || providerId === "") return
  if (text(machine, "spec", "providerID") !== providerId) {
    yield* api.patch(Core.Machine, namespace(machine), name(machine), { spec: { providerID: providerId } })
  }
  const found = yield* node(view, workload, providerId)
  const addresses = at(infra, "status", "addresses")
  const status: KubeJson = {
    initialization: { infrastructureProvisioned: true, bootstrapDataSecretCreated: true },
    ...(addresses !== undefined && { addresses }),
    phase: found === undefined ? "Provisioned" : "Running",
    ...(found !== undefined && { nodeRef: { name: name(found) } })
  }
  const same = Object.entries(status).every(
    ([key, value]) => JSON.stringify(at(machine, "status", key)) === JSON.stringify(value)
  )
  if (!same) yield* api.patch(Core.Machine, namespace(machine), name(machine), { status }, "status")
})
