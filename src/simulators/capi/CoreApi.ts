/** The few requests that the simulated Cluster API controllers make, over Access. */
import * as Effect from "effect/Effect"
import type { KubeJson } from "../kube/KubeJson.ts"
import { text } from "../kube/KubeJson.ts"

export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
}

const capi = (group: string, kind: string, plural: string): Kind => ({ group, version: "v1beta2", kind, plural })
const ours = (kind: string): Kind => ({
  group: "infrastructure.cluster.x-k8s.io",
  version: "v1alpha1",
  kind,
  plural: `${kind.toLowerCase()}s`
})

export const Cluster = capi("cluster.x-k8s.io", "Cluster", "clusters")
export const Machine = capi("cluster.x-k8s.io", "Machine", "machines")
export const MachineDeployment = capi("cluster.x-k8s.io", "MachineDeployment", "machinedeployments")
export const KubeadmControlPlane = capi("controlplane.cluster.x-k8s.io", "KubeadmControlPlane", "kubeadmcontrolplanes")
export const ScvmmCluster = ours("ScvmmCluster")
export const ScvmmMachine = ours("ScvmmMachine")
export const ScvmmMachineTemplate = ours("ScvmmMachineTemplate")
export const Secret: Kind = { group: "", version: "v1", kind: "Secret", plural: "secrets" }
export const Node: Kind = { group: "", version: "v1", kind: "Node", plural: "nodes" }

export const apiVersion = (kind: Kind): string => (kind.group === "" ? kind.version : `${kind.group}/${kind.version}`)

/** An owner reference as Cluster API sets it. */
export const ownedBy = (kind: Kind, owner: KubeJson, controller: boolean): KubeJson => ({
  apiVersion: apiVersion(kind),
  kind: kind.kind,
  name: text(owner, "metadata", "name"),
  uid: text(owner, "metadata", "uid"),
  controller,
  blockOwnerDeletion: true
})

export const clusterLabel = "cluster.x-k8s.io/cluster-name"
export const controlPlaneLabel = "cluster.x-k8s.io/control-plane"
export const deploymentLabel = "cluster.x-k8s.io/deployment-name"

/** What the controllers need of an API server; every refusal is an answer, so that a pass goes on and the next one repairs. */
export interface CoreApi {
  readonly get: (kind: Kind, namespace: string, name: string) => Effect.Effect<KubeJson | undefined>
  readonly list: (kind: Kind) => Effect.Effect<ReadonlyArray<KubeJson>>
  /** Undefined when it exists already or is refused. */
  readonly create: (kind: Kind, namespace: string, object: KubeJson) => Effect.Effect<KubeJson | undefined>
  readonly patch: (
    kind: Kind,
    namespace: string,
    name: string,
    patch: KubeJson,
    subresource?: "status"
  ) => Effect.Effect<void>
  readonly remove: (kind: Kind, namespace: string, name: string) => Effect.Effect<void>
}
