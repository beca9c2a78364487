/** What of a VM goes into a ScvmmMachine's status: pure. */
import type { Json } from "../../../schemas/kube/Patch.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { isActive, quarters } from "../../../schemas/vmm/Job.ts"

const linkLocal = (address: string): boolean => address.startsWith("169.254.") || /^fe[89ab]/iu.test(address)

export interface Address {
  readonly type: "InternalIP" | "Hostname"
  readonly address: string
}

/** Cluster API's bounds, of the list and of each address (contract rule 56): one that breaks them breaks the Machine. */
const addressLimit = 256
const valid = (address: string): boolean => address !== "" && address.length <= 256

/** Every address that others can reach, then the guest's own name. */
export const addressesOf = (vm: VirtualMachine): ReadonlyArray<Address> => {
  const ips = vm.NetworkAdapters.flatMap((adapter) => [...adapter.IPv4Addresses, ...adapter.IPv6Addresses])
  const usable = [...new Set(ips.filter((address) => valid(address) && !linkLocal(address)))]
  return [
    ...usable.slice(0, addressLimit - 1).map((address): Address => ({ type: "InternalIP", address })),
    ...(usable.length > 0 && vm.ComputerName !== undefined && valid(vm.ComputerName)
      ? [{ type: "Hostname" as const, address: vm.ComputerName }]
      : [])
  ]
}

/** Fields of status that mirror the VM; undefined removes. */
export const mirror = (vm: VirtualMachine): { readonly [field: string]: Json | undefined } => ({
  vmStatus: vm.Status,
  biosGuid: vm.BiosGuid,
  creationTime: vm.CreationTime,
  modifiedTime: vm.ModifiedTime,
  hostname: vm.ComputerName,
  host: vm.HostName,
  job:
    vm.Job !== undefined && isActive(vm.Job)
      ? {
          id: vm.Job.Id,
          ...(vm.Job.Cmdlet !== undefined && { cmdlet: vm.Job.Cmdlet }),
          progress: quarters(vm.Job),
          startedAt: vm.Job.StartTime
        }
      : undefined
})

/** Status without a VM: what said that there is one goes; biosGuid stays, it may prove whose a VM is. */
export const noVm: { readonly [field: string]: Json | undefined } = {
  vmStatus: undefined,
  host: undefined,
  job: undefined
}
