/** What of a VM goes into a ScvmmMachine's status: pure. */
import type { Json } from "../../../schemas/kube/Patch.ts"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ImportMedium, NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { isActive, quarters } from "../../../schemas/vmm/Job.ts"
import type { Running } from "../../runtime/Calls.ts"

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

/**
 * status.job of a call of ours: once it has told how far it is, and no longer than it runs. Jobs of VMM have an id, and are left
 * to `mirror`.
 */
export const jobOfCall = (
  creation: Running | undefined,
  seeding: Running | undefined,
  { status }: ScvmmMachine
): { readonly job?: Json | undefined } => {
  const running = creation ?? seeding
  if (running === undefined) return status.job !== undefined && status.job.id === undefined ? { job: undefined } : {}
  if (running.progress === 0) return {}
  const { name } = creation === undefined ? ImportMedium : NewVirtualMachine
  return { job: { cmdlet: name, progress: running.progress, startedAt: new Date(running.startedAt).toISOString() } }
}

/** Status without a VM: what said that there is one goes; biosGuid stays, it may prove whose a VM is. */
export const noVm: { readonly [field: string]: Json | undefined } = {
  vmStatus: undefined,
  host: undefined,
  job: undefined
}
