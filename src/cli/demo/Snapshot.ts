/** What Kubernetes and SCVMM hold at one moment, as the demo shows it: pure, from their objects to rows. */
import * as Contract from "../../../schemas/capi/Contract.ts"
import * as Job from "../../../schemas/vmm/Job.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import type { KubeJson } from "../../simulators/kube/KubeJson.ts"
import { at, objects, text } from "../../simulators/kube/KubeJson.ts"
import * as Core from "../../simulators/capi/CoreApi.ts"

export type Phase = "Pending" | "Provisioning" | "Provisioned" | "Running" | "Deleting"

export interface MachineRow {
  readonly name: string
  readonly phase: Phase
  /** Status of the VM in SCVMM; undefined while there is none. */
  readonly vm: string | undefined
  /** The first address that the operator published, while there is a VM. */
  readonly address: string | undefined
  /** The job that runs on the VM, and its progress in percent. */
  readonly job: { readonly name: string; readonly progress: number } | undefined
}

export interface Objects {
  readonly clusters: ReadonlyArray<KubeJson>
  readonly machines: ReadonlyArray<KubeJson>
  readonly scvmmMachines: ReadonlyArray<KubeJson>
  readonly virtualMachines: ReadonlyArray<VirtualMachine>
}

export interface Snapshot {
  /** The Cluster exists, also while it is being deleted. */
  readonly cluster: boolean
  readonly machines: ReadonlyArray<MachineRow>
  readonly virtualMachines: number
  /** Why machines are not ready, one text each, in the operator's words. */
  readonly complaints: ReadonlyArray<string>
}

export const empty: Snapshot = { cluster: false, machines: [], virtualMachines: 0, complaints: [] }

const name = (object: KubeJson): string => text(object, "metadata", "name")

const phaseOf = (machine: KubeJson, scvmmMachine: KubeJson | undefined): Phase => {
  if (at(machine, "metadata", "deletionTimestamp") !== undefined) return "Deleting"
  if (text(machine, "status", "nodeRef", "name") !== "") return "Running"
  if (at(scvmmMachine, "status", "initialization", "provisioned") === true) return "Provisioned"
  return text(machine, "spec", "bootstrap", "dataSecretName") === "" ? "Pending" : "Provisioning"
}

const jobOf = (vm: VirtualMachine | undefined): MachineRow["job"] =>
  vm?.Job !== undefined && Job.isActive(vm.Job) ? { name: vm.Job.Name, progress: vm.Job.Progress } : undefined

const addressOf = (scvmmMachine: KubeJson | undefined): string | undefined =>
  objects(scvmmMachine, "status", "addresses")
    .filter((address) => text(address, "type").endsWith("IP"))
    .map((address) => text(address, "address"))[0]

const isControlPlane = (machine: KubeJson): boolean =>
  at(machine, "metadata", "labels", Core.controlPlaneLabel) !== undefined

/** Conditions whose False says nothing, or nothing that another one does not say. */
const silent = new Set<string>([
  Contract.Condition.ready,
  Contract.Condition.paused,
  Contract.Condition.deleting,
  Contract.Condition.vmCreated,
  Contract.Condition.vmRunning
])

const complaintsOf = (scvmmMachine: KubeJson): ReadonlyArray<string> =>
  objects(scvmmMachine, "status", "conditions")
    .filter((condition) => text(condition, "status") === "False" && !silent.has(text(condition, "type")))
    .map((condition) =>
      `${name(scvmmMachine)}: ${text(condition, "type")}=False ${text(condition, "reason")} ${text(condition, "message")}`.trimEnd()
    )

/** Control planes first, then by age; machines and VMs belong together by the VM's id, by name before it is known. */
export const take = (objects: Objects): Snapshot => {
  const scvmmMachines = new Map(objects.scvmmMachines.map((object) => [name(object), object]))
  const row = (machine: KubeJson): MachineRow => {
    const scvmmMachine = scvmmMachines.get(text(machine, "spec", "infrastructureRef", "name"))
    const id = text(scvmmMachine, "spec", "id")
    const vm = objects.virtualMachines.find(({ Id, Name }) =>
      id === "" ? scvmmMachine !== undefined && Name === name(scvmmMachine) : Id === id
    )
    return {
      name: name(machine),
      phase: phaseOf(machine, scvmmMachine),
      vm: vm?.Status,
      address: vm === undefined ? undefined : addressOf(scvmmMachine),
      job: jobOf(vm)
    }
  }
  const age = (machine: KubeJson) =>
    `${isControlPlane(machine) ? 0 : 1} ${text(machine, "metadata", "creationTimestamp")} ${name(machine)}`
  return {
    cluster: objects.clusters.length > 0,
    machines: objects.machines.toSorted((a, b) => (age(a) < age(b) ? -1 : 1)).map(row),
    virtualMachines: objects.virtualMachines.length,
    complaints: objects.scvmmMachines.flatMap(complaintsOf)
  }
}

/** That many machines, each with its Node and its VM, and none on its way out. */
export const isUp =
  (count: number) =>
  (snapshot: Snapshot): boolean =>
    snapshot.machines.length === count &&
    snapshot.virtualMachines === count &&
    snapshot.machines.every((machine) => machine.phase === "Running")

export const isGone = (snapshot: Snapshot): boolean =>
  !snapshot.cluster && snapshot.machines.length === 0 && snapshot.virtualMachines === 0
