/** The verbs of our PowerShell module: the name of each function, its typed parameters and its answer (design D4). */
import * as Schema from "effect/Schema"
import { Credential } from "./Credential.ts"
import { Job } from "./Job.ts"
import { VirtualMachine } from "./VirtualMachine.ts"

/**
 * A function of the module. Parameters travel as typed PSRP arguments under the names of the fields: strings, booleans,
 * Int32, Int64, byte[], arrays, hashtables and PSCredential. The answer is one compact JSON document per output object.
 */
export interface Verb<P, A> {
  readonly name: string
  readonly parameters: Schema.Codec<P, unknown>
  readonly answer: Schema.Codec<A, unknown>
  /** A read may be repeated freely; a mutation whose answer is lost has an unknown outcome. */
  readonly effect: "read" | "mutation"
}

const verb = <P, PE, A, AE>(
  name: string,
  effect: "read" | "mutation",
  parameters: Schema.Codec<P, PE>,
  answer: Schema.Codec<A, AE>
): Verb<P, A> => ({
  name,
  effect,
  parameters: parameters as unknown as Schema.Codec<P, unknown>,
  answer: answer as unknown as Schema.Codec<A, unknown>
})

/** Text that a function must be given: PowerShell refuses "" for a mandatory string. Where "" means something it is a String. */
const Text = Schema.NonEmptyString
const Guid = Text

/** Error ids (first part of FullyQualifiedErrorId) that our functions throw; everything else comes from VMM or PowerShell. */
export const ErrorId = {
  /** TargetObject is JSON {Field, Value, Candidates?: string[]}; Field is the path in ScvmmMachine.spec, e.g. "hardwareProfile". */
  referenceNotFound: "ReferenceNotFound",
  referenceAmbiguous: "ReferenceAmbiguous",
  virtualMachineNotFound: "VirtualMachineNotFound",
  /** The VM has no disk at a place: TargetObject is JSON {Id, BusType, Bus, Lun}. */
  virtualDiskNotFound: "VirtualDiskNotFound",
  /** The VM's marker is not the one that the caller named. */
  virtualMachineNotOwned: "VirtualMachineNotOwned",
  /** A VM with this machine's marker exists already: TargetObject is JSON {Ids: string[]}. */
  virtualMachineExists: "VirtualMachineExists",
  /** The create command arrived later than CommitWithinSeconds allows. */
  commitWindowElapsed: "CommitWindowElapsed",
  /** A medium's name is no plain file name: TargetObject is JSON {FileName}. */
  mediumNameInvalid: "MediumNameInvalid",
  /** The library does not show a medium, after a refresh of its folder either. */
  mediumNotFound: "MediumNotFound",
  libraryShareNotFound: "LibraryShareNotFound"
} as const

export const Server = Schema.Struct({
  /** The VMM server. */
  Name: Schema.String,
  ProductVersion: Schema.String,
  /** Version of our module. */
  ModuleVersion: Schema.String,
  UserRole: Schema.optionalKey(Schema.String),
  /** The exec host. */
  ComputerName: Schema.String
})
export type Server = typeof Server.Type

/**
 * Get-SCVMMServer, once per session. Also deletes what is left on the exec host of imports that were killed more than an hour
 * ago (ImportMedium): with their process, or the whole host.
 */
export const ConnectServer = verb(
  "Connect-CapsServer",
  "read",
  Schema.Struct({ VMMServer: Text, Credential: Schema.toType(Credential) }),
  Server
)

/** Get-SCVirtualMachine -ID. Throws VirtualMachineNotFound. */
export const GetVirtualMachine = verb("Get-CapsVirtualMachine", "read", Schema.Struct({ Id: Guid }), VirtualMachine)

/** All VMs of a name, which is not unique, and the running jobs that are creating one of that name. */
export const FindVirtualMachine = verb(
  "Find-CapsVirtualMachine",
  "read",
  Schema.Struct({ Name: Text }),
  Schema.Struct({ VirtualMachines: Schema.Array(VirtualMachine), CreationJobs: Schema.Array(Job) })
)

/**
 * Several VMs. With Ids: those, by id. With MarkerText: every VM whose description holds it. Emits pages of at most 200;
 * Missing lists ids that VMM does not know.
 */
export const GetVirtualMachineList = verb(
  "Get-CapsVirtualMachineList",
  "read",
  Schema.Struct({ Ids: Schema.optionalKey(Schema.Array(Guid)), MarkerText: Schema.optionalKey(Schema.String) }),
  Schema.Struct({ VirtualMachines: Schema.Array(VirtualMachine), Missing: Schema.Array(Guid) })
)

export const NewDisk = Schema.Struct({
  /** MiB of a blank disk; a copied one has its library disk's. */
  SizeMB: Schema.Int,
  Dynamic: Schema.Boolean,
  VHDisk: Schema.optionalKey(Schema.String),
  VolumeType: Schema.optionalKey(Schema.String),
  StorageQoSPolicy: Schema.optionalKey(Schema.String)
})
export const NewNetworkDevice = Schema.Struct({
  VMNetwork: Schema.String,
  VMSubnet: Schema.optionalKey(Schema.String),
  MACAddress: Schema.optionalKey(Schema.String),
  VLanID: Schema.optionalKey(Schema.Int)
})
export const NewFibreChannel = Schema.Struct({
  StorageFabricClassification: Schema.optionalKey(Schema.String),
  VirtualSAN: Schema.optionalKey(Schema.String)
})
export const VmOptions = Schema.Struct({
  StartAction: Schema.optionalKey(Schema.String),
  StopAction: Schema.optionalKey(Schema.String),
  CPULimitForMigration: Schema.optionalKey(Schema.Boolean),
  CPULimitFunctionality: Schema.optionalKey(Schema.Boolean),
  EnableNestedVirtualization: Schema.optionalKey(Schema.Boolean),
  CheckpointType: Schema.optionalKey(Schema.String)
})

/**
 * Creates one VM (scvmm-domain.md (a), "create from VHD + hw profile" and "create from template"). Looks up Name + Marker
 * again right before New-SCVirtualMachine, under a mutex of MachineUid, and refuses when more than CommitWithinSeconds
 * have passed since it began (design D6).
 *
 * Disk i is on LUN i of SCSI bus 0; the first one of a generation 1 VM is on IDE 0:0. VHDisk is copied with the size that it
 * has in the library: ExpandVirtualDisk grows it to a larger SizeMB. Without VHDisk the disk is blank. An empty entry (SizeMB 0,
 * no VHDisk) adds none: it keeps a template's disk of its index, whose place no other entry may take.
 *
 * A VM network is looked for only among those that the host clusters of HostGroup and its children carry (without HostGroup:
 * of the Cloud's host groups); candidates of ReferenceAmbiguous are "name (logical network, id)".
 */
export const NewVirtualMachine = verb(
  "New-CapsVirtualMachine",
  "mutation",
  Schema.Struct({
    Name: Text,
    /** The marker line; the function appends it to Description. */
    Marker: Text,
    MachineUid: Text,
    CommitWithinSeconds: Schema.Int,
    Description: Schema.optionalKey(Schema.String),
    Cloud: Schema.optionalKey(Schema.String),
    HostGroup: Schema.optionalKey(Schema.String),
    VMTemplate: Schema.optionalKey(Schema.String),
    /** Empty with VMTemplate, which has its own hardware. */
    HardwareProfile: Schema.String,
    OperatingSystem: Schema.optionalKey(Schema.String),
    CPUCount: Schema.Int,
    MemoryMB: Schema.optionalKey(Schema.Int),
    DynamicMemoryMinimumMB: Schema.optionalKey(Schema.Int),
    DynamicMemoryMaximumMB: Schema.optionalKey(Schema.Int),
    DynamicMemoryBufferPercentage: Schema.optionalKey(Schema.Int),
    Disks: Schema.Array(NewDisk),
    NetworkDevices: Schema.Array(NewNetworkDevice),
    FibreChannel: Schema.Array(NewFibreChannel),
    AvailabilitySet: Schema.optionalKey(Schema.String),
    VMOptions: Schema.optionalKey(VmOptions)
  }),
  VirtualMachine
)

/**
 * Expand-SCVirtualDiskDrive -RunAsynchronously; the answer shows the VM under update with its job. SizeMB (MiB) is rounded up
 * to whole GiB, all that VMM takes; a disk whose MaximumSize is at least SizeMB is left as it is, without a job. Throws
 * VirtualMachineNotFound, VirtualDiskNotFound, and VMM's 640 for a VM that is not off.
 */
export const ExpandVirtualDisk = verb(
  "Expand-CapsVirtualDisk",
  "mutation",
  Schema.Struct({
    Id: Guid,
    /** The disk's place, as VirtualMachine.Disks gives it. */
    Lun: Schema.Int,
    BusType: Schema.Literals(["SCSI", "IDE"]),
    Bus: Schema.Int,
    SizeMB: Schema.Int
  }),
  VirtualMachine
)

/**
 * Start-SCVirtualMachine -RunAsynchronously; the answer shows the VM in its transitional state with its job. Throws
 * VirtualMachineNotFound, also when the VM went while it was to be started, and VMM's own errors.
 */
export const StartVirtualMachine = verb(
  "Start-CapsVirtualMachine",
  "mutation",
  Schema.Struct({ Id: Guid }),
  VirtualMachine
)

/** Stop-SCVirtualMachine -Force or -Shutdown, always named. Throws as StartVirtualMachine does. */
export const StopVirtualMachine = verb(
  "Stop-CapsVirtualMachine",
  "mutation",
  Schema.Struct({ Id: Guid, Mode: Schema.Literals(["Force", "Shutdown"]) }),
  VirtualMachine
)

/**
 * One step towards no VM: a VM that is up is stopped (Force), one that is off is removed with its files, never with
 * -Force (which would leave it on the host). Throws VirtualMachineNotOwned when the description lacks Marker; an empty
 * Marker means a VM that was taken over without one: the description must then hold no line that begins with "capscvmm/". The
 * answer says whether the VM is gone, also when it went between the look at it and the step.
 */
export const RemoveVirtualMachine = verb(
  "Remove-CapsVirtualMachine",
  "mutation",
  Schema.Struct({ Id: Guid, Marker: Schema.String }),
  Schema.Struct({ Gone: Schema.Boolean, VirtualMachine: Schema.optionalKey(VirtualMachine) })
)

/**
 * Imports a medium into the library (Import-SCLibraryPhysicalResource -OverwriteExistingFiles). Data travels whole, in one
 * call: PowerShell takes 10 MB, and a medium is little more than a Secret, which holds 1 MiB. On the exec host's disk it lies in
 * a folder of its own for the time of the import, however that ends. LibraryShare: a UNC path as is, else a path below the first
 * writable share. Throws MediumNameInvalid, LibraryShareNotFound, MediumNotFound and VMM's own errors.
 */
export const ImportMedium = verb(
  "Import-CapsMedium",
  "mutation",
  Schema.Struct({ FileName: Text, Data: Schema.Uint8Array, LibraryShare: Schema.String }),
  Schema.Struct({ Id: Guid, SharePath: Schema.String })
)

/** Puts an imported medium into the VM's first DVD drive (made when absent); without -Link, so it is copied. */
export const MountMedium = verb(
  "Mount-CapsMedium",
  "mutation",
  Schema.Struct({ Id: Guid, FileName: Text, LibraryShare: Schema.String }),
  VirtualMachine
)

/**
 * Removes what an attempt left in VMM: temporary template, and library media named by MachineUid. Remaining lists what is
 * locked or in use.
 */
export const RemoveLeftover = verb(
  "Remove-CapsLeftover",
  "mutation",
  Schema.Struct({ MachineUid: Text, LibraryShare: Schema.String }),
  Schema.Struct({ Removed: Schema.Array(Schema.String), Remaining: Schema.Array(Schema.String) })
)
