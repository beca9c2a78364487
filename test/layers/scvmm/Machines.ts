/** VMs for tests. */
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"

export const machine = (id: string, changes: Partial<VirtualMachine> = {}): VirtualMachine => ({
  Id: id,
  Name: `vm-${id}`,
  Description: "",
  Status: "PowerOff",
  VirtualMachineState: "PowerOff",
  Generation: 2,
  CPUCount: 2,
  MemoryMB: 2048,
  NetworkAdapters: [],
  Disks: [],
  DvdDrives: [],
  ...changes
})
