/** A VM as VMM keeps it, and as our functions report it. */
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { parse } from "../../../schemas/vmm/Marker.ts"
import type { VirtualMachine as VirtualMachineDocument } from "../../../schemas/vmm/VirtualMachine.ts"
import * as Job from "./Job.ts"

/** VMComputerSystemState: the states that the model brings about. */
export type State =
  | "UnderCreation"
  | "CreationFailed"
  | "PowerOff"
  | "Starting"
  | "Running"
  | "PoweringOff"
  | "Deleting"

export interface NetworkAdapter {
  readonly slot: number
  readonly name: string
  readonly macAddress: string
  readonly vmNetwork: string | undefined
  ipv4: ReadonlyArray<string>
  ipv6: ReadonlyArray<string>
}

export interface Disk {
  readonly id: string
  readonly busType: "SCSI" | "IDE"
  readonly bus: number
  readonly lun: number
  readonly fileName: string
  size: number
  maximumSize: number
}

export interface DvdDrive {
  readonly bus: number
  readonly lun: number
  /** A copy of the library's medium: the library's own may go. */
  medium: { readonly fileName: string; readonly bytes: Uint8Array } | undefined
}

/** What runs inside while the VM is on. */
export interface Guest {
  readonly scope: Scope.Closeable
  readonly fiber: Fiber.Fiber<void>
}

export interface VirtualMachine {
  readonly id: string
  /** Hyper-V's, in its spelling; undefined until the VM exists on a host. */
  vmId: string | undefined
  biosGuid: string | undefined
  name: string
  description: string
  state: State
  /** A hardware change is under way: shown as Status, while VirtualMachineState tells of the power. */
  updating: boolean
  hostName: string | undefined
  readonly cloud: string | undefined
  readonly generation: number
  readonly cpuCount: number
  readonly memoryMB: number
  readonly createdAt: number
  modifiedAt: number
  computerName: string | undefined
  adapters: Array<NetworkAdapter>
  disks: Array<Disk>
  dvds: Array<DvdDrive>
  /** The job that holds the exclusive lock. */
  lock: Job.Job | undefined
  mostRecentTask: Job.Job | undefined
  guest: Guest | undefined
}

/** UID of the machine in the last marker line. */
export const markerUid = (vm: VirtualMachine): string | undefined => parse(vm.description)?.uid

/** Whether a line of the description is this marker; for an empty one, whether no line is a marker of anybody. */
export const hasMarker = (vm: VirtualMachine, marker: string): boolean => {
  const lines = vm.description.split(/\r?\n/u).map((line) => line.trim())
  const wanted = marker.trim()
  return wanted === "" ? !lines.some((line) => /^capscvmm\//iu.test(line)) : lines.includes(wanted)
}

export const status = (vm: VirtualMachine): string => (vm.updating ? "UnderUpdate" : vm.state)

export const document = (vm: VirtualMachine, now: number): VirtualMachineDocument => ({
  Id: vm.id,
  ...(vm.vmId === undefined ? {} : { VMId: vm.vmId }),
  ...(vm.biosGuid === undefined ? {} : { BiosGuid: vm.biosGuid }),
  Name: vm.name,
  Description: vm.description,
  Status: status(vm),
  VirtualMachineState: vm.state,
  ...(vm.hostName === undefined ? {} : { HostName: vm.hostName }),
  ...(vm.cloud === undefined ? {} : { Cloud: vm.cloud }),
  Generation: vm.generation,
  CPUCount: vm.cpuCount,
  MemoryMB: vm.memoryMB,
  CreationTime: Job.timestamp(vm.createdAt),
  ModifiedTime: Job.timestamp(vm.modifiedAt),
  ...(vm.computerName === undefined ? {} : { ComputerName: vm.computerName }),
  NetworkAdapters: vm.adapters.map((adapter) => ({
    SlotId: adapter.slot,
    Name: adapter.name,
    MACAddress: adapter.macAddress,
    ...(adapter.vmNetwork === undefined ? {} : { VMNetwork: adapter.vmNetwork }),
    IPv4Addresses: adapter.ipv4,
    IPv6Addresses: adapter.ipv6
  })),
  Disks: vm.disks.map((disk) => ({
    Id: disk.id,
    BusType: disk.busType,
    Bus: disk.bus,
    Lun: disk.lun,
    FileName: disk.fileName,
    Size: disk.size,
    MaximumSize: disk.maximumSize
  })),
  DvdDrives: vm.dvds.map((drive) => ({
    Bus: drive.bus,
    Lun: drive.lun,
    ...(drive.medium === undefined ? {} : { IsoFileName: drive.medium.fileName })
  })),
  ...(vm.mostRecentTask === undefined ? {} : { Job: Job.document(vm.mostRecentTask, now) })
})
