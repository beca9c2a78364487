/** Is this VM the machine's? Decided by the marker in its description (design D6, D6a): pure. */
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import type { Marker } from "../../../schemas/vmm/Marker.ts"
import { parse } from "../../../schemas/vmm/Marker.ts"

export const markerOf = (machine: ScvmmMachine, installation: string): Marker => ({
  installation,
  namespace: machine.metadata.namespace ?? "",
  name: machine.metadata.name,
  uid: machine.metadata.uid
})

const sameGuid = (a: string | undefined, b: string | undefined): boolean =>
  a !== undefined && b !== undefined && a !== "" && a.toLowerCase() === b.toLowerCase()

/**
 * Owned: the marker names this namespace and name (a UID changes when the object moves to another cluster); or there is no
 * marker and status.biosGuid, which no tenant can write, is the VM's; or the provider adopts unmarked VMs.
 */
export const owns = (machine: ScvmmMachine, vm: VirtualMachine, adoption: "Owned" | "Unmarked"): boolean => {
  const marker = parse(vm.Description)
  if (marker === undefined) return adoption === "Unmarked" || sameGuid(machine.status.biosGuid, vm.BiosGuid)
  return marker.namespace === (machine.metadata.namespace ?? "") && marker.name === machine.metadata.name
}

/** VMs among those of a name that an attempt of this machine made: by the object's UID alone. */
export const madeBy = (marker: Marker, vms: ReadonlyArray<VirtualMachine>): ReadonlyArray<VirtualMachine> =>
  vms.filter((vm) => parse(vm.Description)?.uid === marker.uid)
