/** What one ScvmmCluster needs next, decided from the objects around it: pure (contract §1.B, rules 29–34). */
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Cluster } from "../../../schemas/capi/Cluster.ts"
import { finding, type Finding } from "../../../schemas/kube/Condition.ts"
import { ownerOf } from "../../../schemas/kube/ObjectMeta.ts"
import type { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"

export type Step =
  /** Not ours to touch. */
  | { readonly _tag: "Ignore" }
  | { readonly _tag: "Paused"; readonly message: string }
  | { readonly _tag: "AddFinalizer" }
  | { readonly _tag: "Publish" }
  /** Deleted, but machines of the cluster are still there. */
  | { readonly _tag: "AwaitMachines"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "Release" }

export interface Observed {
  readonly scvmmCluster: ScvmmCluster
  /** Whether an ownerReference names a Cluster. */
  readonly owned: boolean
  readonly cluster: Cluster | undefined
  /** ScvmmMachines with the cluster's label, and those of its namespace of which that cannot be told. */
  readonly machines: ReadonlyArray<string>
}

export const ownerName = ({ metadata }: ScvmmCluster): string | undefined =>
  ownerOf(metadata, Contract.clusterGroup, "Cluster")?.name

/** The Cluster that owns it; one without an owner, as from a backup, is still told by its label. */
export const clusterNameOf = (scvmmCluster: ScvmmCluster): string | undefined =>
  ownerName(scvmmCluster) ?? scvmmCluster.metadata.labels?.[Contract.clusterNameLabel]

/** The machines that hold a cluster back: by name those that are its own, and those that cannot be read. */
export const holding = (own: ReadonlyArray<string>, unreadable: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...own,
  ...unreadable.filter((name) => !own.includes(name)).map((name) => `${name} (cannot be read)`)
]

export const plan = ({ scvmmCluster, owned, cluster, machines }: Observed): Step => {
  const { metadata } = scvmmCluster
  const annotations = metadata.annotations ?? {}
  const held = metadata.finalizers?.includes(Contract.clusterFinalizer) === true
  const deleting = metadata.deletionTimestamp !== undefined
  if (annotations[Contract.managedByAnnotation] !== undefined) return { _tag: "Ignore" }
  if (annotations[Contract.deleteForMoveAnnotation] !== undefined) return { _tag: "Ignore" }
  if (deleting && !held) return { _tag: "Ignore" }
  const pauses = [
    ...(cluster?.spec.paused === true ? ["Cluster spec.paused is set to true"] : []),
    ...(annotations[Contract.pausedAnnotation] === undefined
      ? []
      : ["ScvmmCluster has the cluster.x-k8s.io/paused annotation"])
  ]
  if (pauses.length > 0) return { _tag: "Paused", message: pauses.join(", ") }
  if (deleting) return machines.length > 0 ? { _tag: "AwaitMachines", names: machines } : { _tag: "Release" }
  if (!owned || cluster === undefined) return { _tag: "Ignore" }
  return held ? { _tag: "Publish" } : { _tag: "AddFinalizer" }
}

export const paused = (message: string): Finding =>
  finding(Contract.Condition.paused, "True", Contract.Reason.paused, message)

/** Where the control plane's endpoint comes from, as far as this version can tell. */
export type Endpoint = "given" | "missing" | "unsupported"

export const endpointOf = ({ scvmmCluster, cluster }: Pick<Observed, "scvmmCluster" | "cluster">): Endpoint => {
  if ((scvmmCluster.spec.controlPlaneEndpoint ?? cluster?.spec.controlPlaneEndpoint) !== undefined) return "given"
  return scvmmCluster.spec.controlPlaneEndpointFrom === undefined ? "missing" : "unsupported"
}

const readiness: Readonly<Record<Endpoint, Finding>> = {
  given: finding(Contract.Condition.ready, "True", Contract.Reason.ready),
  // Holds the control plane back, not the infrastructure: it stays provisioned early.
  missing: finding(
    Contract.Condition.ready,
    "True",
    Contract.Reason.ready,
    "neither spec.controlPlaneEndpoint nor the Cluster's is set: the control plane waits for it"
  ),
  unsupported: finding(
    Contract.Condition.ready,
    "False",
    "NotSupported",
    "this version does not act on spec.controlPlaneEndpointFrom; set spec.controlPlaneEndpoint"
  )
}

export const published = (endpoint: Endpoint): ReadonlyArray<Finding> => [
  finding(Contract.Condition.paused, "False", Contract.Reason.notPaused),
  finding(Contract.Condition.deleting, "False", Contract.Reason.notDeleting),
  finding(Contract.Condition.clusterCreated, "True", Contract.LegacyReason.clusterCreated),
  readiness[endpoint]
]

export const waiting = (names: ReadonlyArray<string>): ReadonlyArray<Finding> => {
  const message = `waiting for ${names.length} ScvmmMachines: ${names.toSorted().slice(0, 5).join(", ")}${names.length > 5 ? ", …" : ""}`
  return [
    finding(Contract.Condition.deleting, "True", Contract.Reason.deleting, message),
    finding(Contract.Condition.clusterCreated, "False", Contract.LegacyReason.clusterDeleting, message),
    finding(Contract.Condition.ready, "False", Contract.Reason.deleting, message)
  ]
}

/**
 * The object that a status write is compared with. Before our first pass the stored status may have an older shape, which
 * decoding healed and a comparison would not see: then everything is written (checklist 3).
 */
export const comparand = (scvmmCluster: ScvmmCluster): ScvmmCluster =>
  scvmmCluster.status.conditions?.some(({ type }) => type === Contract.Condition.ready) === true
    ? scvmmCluster
    : { ...scvmmCluster, status: {} }

/** status.failureDomains: a list with cloud and hostGroup, sorted by name (checklist 10). */
export const failureDomains = (spec: ScvmmCluster["spec"]) =>
  Object.entries(spec.failureDomains ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, domain]) => ({
      name,
      ...(domain.controlPlane !== undefined && { controlPlane: domain.controlPlane }),
      attributes: { cloud: domain.cloud, hostGroup: domain.hostGroup }
    }))
