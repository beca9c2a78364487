/** One pass over a Cluster: its infrastructure, its control plane, its machine deployments, and deletion in Cluster API's order. */
import * as Effect from "effect/Effect"
import type { KubeJson } from "../kube/KubeJson.ts"
import { at, objects, strings, text, textMap } from "../kube/KubeJson.ts"
import * as Core from "./CoreApi.ts"
import type { ClusterView, Workload } from "./Machines.ts"
import { dropFinalizer, hasNode, isControlPlane, isDeleting, reconcileMachine } from "./Machines.ts"
import { reconcileReplicas } from "./Replicas.ts"

export const clusterFinalizer = "cluster.cluster.x-k8s.io"

const name = (object: KubeJson): string => text(object, "metadata", "name")
const namespace = (object: KubeJson): string => text(object, "metadata", "namespace")

const replicasOf = (object: KubeJson): number => {
  const replicas = at(object, "spec", "replicas")
  return typeof replicas === "number" ? replicas : 1
}

/** Infrastructure: ownership, then what it published. */
const infrastructure = Effect.fnUntraced(function* (api: Core.CoreApi, cluster: KubeJson) {
  const infra = yield* api.get(
    Core.ScvmmCluster,
    namespace(cluster),
    text(cluster, "spec", "infrastructureRef", "name")
  )
  if (infra === undefined) return
  const uid = text(cluster, "metadata", "uid")
  if (!objects(infra, "metadata", "ownerReferences").some((owner) => text(owner, "uid") === uid)) {
    yield* api.patch(Core.ScvmmCluster, namespace(infra), name(infra), {
      metadata: {
        labels: { [Core.clusterLabel]: name(cluster) },
        ownerReferences: [Core.ownedBy(Core.Cluster, cluster, false)]
      }
    })
  }
  const endpoint = at(infra, "spec", "controlPlaneEndpoint")
  if (endpoint !== undefined && at(cluster, "spec", "controlPlaneEndpoint") === undefined) {
    yield* api.patch(Core.Cluster, namespace(cluster), name(cluster), { spec: { controlPlaneEndpoint: endpoint } })
  }
  if (at(infra, "status", "initialization", "provisioned") !== true) return
  if (at(cluster, "status", "initialization", "infrastructureProvisioned") === true) return
  const failureDomains = at(infra, "status", "failureDomains")
  yield* api.patch(
    Core.Cluster,
    namespace(cluster),
    name(cluster),
    {
      status: {
        initialization: { infrastructureProvisioned: true },
        ...(failureDomains !== undefined && { failureDomains })
      }
    },
    "status"
  )
})

const view = (cluster: KubeJson): ClusterView => ({
  cluster,
  endpoint: `${text(cluster, "spec", "controlPlaneEndpoint", "host")}:${String(at(cluster, "spec", "controlPlaneEndpoint", "port") ?? 0)}`,
  infrastructureProvisioned: at(cluster, "status", "initialization", "infrastructureProvisioned") === true,
  controlPlaneInitialized: at(cluster, "status", "initialization", "controlPlaneInitialized") === true,
  // A token of kubeadm's shape that every pass derives anew.
  token: `${text(cluster, "metadata", "uid").replaceAll("-", "").slice(0, 6)}.${text(cluster, "metadata", "uid").replaceAll("-", "").slice(6, 22)}`
})

interface Members {
  readonly controlPlanes: ReadonlyArray<KubeJson>
  readonly deployments: ReadonlyArray<KubeJson>
  readonly machines: ReadonlyArray<KubeJson>
}

const ownedMachines = (machines: ReadonlyArray<KubeJson>, owner: KubeJson): ReadonlyArray<KubeJson> =>
  machines.filter((machine) =>
    objects(machine, "metadata", "ownerReferences").some((ref) => text(ref, "uid") === text(owner, "metadata", "uid"))
  )

/** Workers and their owner first, then the control plane, then the infrastructure, then the Cluster itself. */
const remove = Effect.fnUntraced(function* (api: Core.CoreApi, cluster: KubeJson, members: Members) {
  const end = Effect.fnUntraced(function* (kind: Core.Kind, list: ReadonlyArray<KubeJson>) {
    yield* Effect.forEach(
      list.filter((object) => !isDeleting(object)),
      (object) => api.remove(kind, namespace(object), name(object)),
      { discard: true }
    )
    return list.length > 0
  })
  const workers = members.machines.filter((machine) => !isControlPlane(machine))
  const deployments = yield* end(Core.MachineDeployment, members.deployments)
  if ((yield* end(Core.Machine, workers)) || deployments) return
  const controlPlanes = yield* end(Core.KubeadmControlPlane, members.controlPlanes)
  if ((yield* end(Core.Machine, members.machines)) || controlPlanes) return
  const infra = yield* api.get(
    Core.ScvmmCluster,
    namespace(cluster),
    text(cluster, "spec", "infrastructureRef", "name")
  )
  if (infra === undefined) return yield* dropFinalizer(api, Core.Cluster, cluster, clusterFinalizer)
  yield* end(Core.ScvmmCluster, [infra])
})

const replicas = Effect.fnUntraced(function* (api: Core.CoreApi, cluster: KubeJson, members: Members) {
  const common = { clusterName: name(cluster) }
  for (const owner of members.controlPlanes) {
    const machines = ownedMachines(members.machines, owner)
    yield* reconcileReplicas(
      api,
      {
        ...common,
        kind: Core.KubeadmControlPlane,
        owner,
        replicas: replicasOf(owner),
        template: text(owner, "spec", "machineTemplate", "spec", "infrastructureRef", "name"),
        version: text(owner, "spec", "version"),
        failureDomain: undefined,
        labels: { [Core.controlPlaneLabel]: "" },
        serial: true
      },
      machines
    )
    const initialized = machines.some(hasNode)
    if (initialized && at(cluster, "status", "initialization", "controlPlaneInitialized") !== true) {
      yield* api.patch(
        Core.Cluster,
        namespace(cluster),
        name(cluster),
        { status: { initialization: { controlPlaneInitialized: true } } },
        "status"
      )
    }
  }
  for (const owner of members.deployments) {
    const template = at(owner, "spec", "template")
    yield* reconcileReplicas(
      api,
      {
        ...common,
        kind: Core.MachineDeployment,
        owner,
        replicas: replicasOf(owner),
        template: text(template, "spec", "infrastructureRef", "name"),
        version: text(template, "spec", "version"),
        failureDomain: text(template, "spec", "failureDomain") || undefined,
        labels: { ...textMap(template, "metadata", "labels"), [Core.deploymentLabel]: name(owner) },
        serial: false
      },
      ownedMachines(members.machines, owner)
    )
  }
})

/** Brings one Cluster and everything of it a step on. */
export const reconcileCluster = Effect.fnUntraced(function* (
  api: Core.CoreApi,
  workload: Workload,
  cluster: KubeJson,
  members: Members
) {
  const finalizers = strings(cluster, "metadata", "finalizers")
  if (isDeleting(cluster)) yield* remove(api, cluster, members)
  else {
    if (!finalizers.includes(clusterFinalizer)) {
      yield* api.patch(Core.Cluster, namespace(cluster), name(cluster), {
        metadata: { finalizers: [...finalizers, clusterFinalizer] }
      })
    }
    yield* infrastructure(api, cluster)
    yield* replicas(api, cluster, members)
  }
  const seen = view(cluster)
  const firstControlPlane = members.machines.find((machine) => isControlPlane(machine) && !isDeleting(machine))
  yield* Effect.forEach(
    members.machines,
    (machine) =>
      reconcileMachine(api, seen, workload, machine, !seen.controlPlaneInitialized && machine === firstControlPlane),
    { discard: true }
  )
})
