/** May this ScvmmMachine be acted on at all? Ownership, pause and readiness of what it waits for (contract rules 59–61, 84, 87). */
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Cluster } from "../../../schemas/capi/Cluster.ts"
import type { Machine } from "../../../schemas/capi/Machine.ts"
import type { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"

/** What the caches hold around one ScvmmMachine. */
export interface Surroundings {
  readonly machine: ScvmmMachine
  /** The Machine that the ownerReference names, when it is there. */
  readonly owner: Machine | undefined
  readonly cluster: Cluster | undefined
  readonly scvmmCluster: ScvmmCluster | undefined
}

export type Gate =
  /** Not ours to touch: nothing is written. */
  | { readonly _tag: "Ignore" }
  /** Why, as the Paused condition says it. */
  | { readonly _tag: "Paused"; readonly message: string }
  /** Deleted, and nothing of it can be in SCVMM. */
  | { readonly _tag: "Release" }
  | { readonly _tag: "Open" }

const pauseReasons = ({ machine, cluster }: Surroundings): ReadonlyArray<string> => [
  ...(cluster?.spec.paused === true ? ["Cluster spec.paused is set to true"] : []),
  ...(machine.metadata.annotations?.[Contract.pausedAnnotation] !== undefined
    ? ["ScvmmMachine has the cluster.x-k8s.io/paused annotation"]
    : [])
]

/** Whether anything of the machine may exist in SCVMM: an id, an attempt under way, or a name reserved for one. */
const mayExist = (machine: ScvmmMachine): boolean =>
  machine.spec.id !== undefined || machine.status.creation !== undefined || machine.spec.vmName !== undefined

/**
 * Decides in this order: being moved (hands off), paused, a fresh object without its Machine (never written to), then
 * deletion of something that never reached SCVMM. A Cluster that is gone closes the gate of a deletion only where the
 * machine belongs to one: `clusterctl move` must not take the VM along.
 */
export const decide = (around: Surroundings): Gate => {
  const { machine, owner, cluster } = around
  const meta = machine.metadata
  const deleting = meta.deletionTimestamp !== undefined
  const held = meta.finalizers?.includes(Contract.machineFinalizer) === true
  if (meta.annotations?.[Contract.deleteForMoveAnnotation] !== undefined) return { _tag: "Ignore" }
  if (deleting && !held) return { _tag: "Ignore" }
  const standAlone = machine.spec.bootstrap !== undefined
  if (!deleting && !standAlone && owner === undefined) return { _tag: "Ignore" }
  const pauses = pauseReasons(around)
  if (pauses.length > 0) return { _tag: "Paused", message: pauses.join(", ") }
  if (deleting && !mayExist(machine)) return { _tag: "Release" }
  if (deleting && owner !== undefined && cluster === undefined) return { _tag: "Ignore" }
  return { _tag: "Open" }
}

/** Why a VM may not be created yet, with the predecessor's reasons; undefined when it may. */
export interface Wait {
  readonly reason: string
  readonly message: string
}

export const waitsFor = ({ machine, owner, cluster, scvmmCluster }: Surroundings): Wait | undefined => {
  if (machine.spec.bootstrap !== undefined) return undefined
  if (cluster === undefined) {
    return {
      reason: "MissingCluster",
      message: "the Machine's Cluster does not exist (label cluster.x-k8s.io/cluster-name)"
    }
  }
  if (scvmmCluster === undefined) {
    return { reason: "ClusterNotAvailable", message: "the Cluster's ScvmmCluster does not exist" }
  }
  if (cluster.status.initialization?.infrastructureProvisioned !== true) {
    return { reason: "WaitingForClusterInfrastructure", message: "the cluster infrastructure is not provisioned yet" }
  }
  if (owner?.spec.bootstrap.dataSecretName === undefined) {
    const controlPlane = owner?.metadata.labels?.[Contract.controlPlaneLabel] !== undefined
    return !controlPlane && cluster.status.initialization.controlPlaneInitialized !== true
      ? { reason: "WaitingForControlplaneAvailable", message: "the control plane is not initialized yet" }
      : { reason: "WaitingForBootstrapData", message: "the Machine has no spec.bootstrap.dataSecretName yet" }
  }
  return undefined
}
