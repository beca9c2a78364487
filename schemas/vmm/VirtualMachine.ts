/** A VM as our functions report it: flat, every list a list, enums by name, dates ISO 8601 UTC. */
import * as Schema from "effect/Schema"
import { Job } from "./Job.ts"

export const NetworkAdapter = Schema.Struct({
  SlotId: Schema.Int,
  Name: Schema.String,
  MACAddress: Schema.optionalKey(Schema.String),
  VMNetwork: Schema.optionalKey(Schema.String),
  IPv4Addresses: Schema.Array(Schema.String),
  IPv6Addresses: Schema.Array(Schema.String)
})
export type NetworkAdapter = typeof NetworkAdapter.Type

export const VirtualDisk = Schema.Struct({
  Id: Schema.String,
  /** SCSI or IDE. */
  BusType: Schema.String,
  Bus: Schema.Int,
  Lun: Schema.Int,
  /** File name with extension, on the host. */
  FileName: Schema.String,
  /** Bytes on disk and at most. */
  Size: Schema.Finite,
  MaximumSize: Schema.Finite
})
export type VirtualDisk = typeof VirtualDisk.Type

export const DvdDrive = Schema.Struct({
  Bus: Schema.Int,
  Lun: Schema.Int,
  /** File name of the medium, absent when the drive is empty. */
  IsoFileName: Schema.optionalKey(Schema.String)
})
export type DvdDrive = typeof DvdDrive.Type

export const VirtualMachine = Schema.Struct({
  /** VMM's own id: the only one that -ID takes. */
  Id: Schema.String,
  /** Hyper-V's GUID in VMM's spelling; absent until the VM exists on a host. */
  VMId: Schema.optionalKey(Schema.String),
  BiosGuid: Schema.optionalKey(Schema.String),
  Name: Schema.String,
  Description: Schema.String,
  /** Health: VMComputerSystemState by name (UnderCreation, PowerOff, Running, CreationFailed, Missing …). */
  Status: Schema.String,
  /** Power: the same enumeration; decides what may be started or stopped. */
  VirtualMachineState: Schema.String,
  HostName: Schema.optionalKey(Schema.String),
  Cloud: Schema.optionalKey(Schema.String),
  Generation: Schema.Int,
  CPUCount: Schema.Int,
  MemoryMB: Schema.Int,
  CreationTime: Schema.optionalKey(Schema.String),
  ModifiedTime: Schema.optionalKey(Schema.String),
  /** The name that the guest reports, when it does. */
  ComputerName: Schema.optionalKey(Schema.String),
  NetworkAdapters: Schema.Array(NetworkAdapter),
  Disks: Schema.Array(VirtualDisk),
  DvdDrives: Schema.Array(DvdDrive),
  /** MostRecentTask. */
  Job: Schema.optionalKey(Job)
})
export type VirtualMachine = typeof VirtualMachine.Type
