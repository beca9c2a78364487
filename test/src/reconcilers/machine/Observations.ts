/** Arbitrary VMs, in the states that VMM knows and in others, and what may be observed around one machine. */
import * as Schema from "effect/Schema"
import { Job } from "../../../../schemas/vmm/Job.ts"
import { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import type { Observed } from "../../../../src/reconcilers/machine/Plan.ts"

/** VMComputerSystemState as far as it is known: VMM is at work on the VM. */
export const atWork = [
  "PoweringOff",
  "Stopping",
  "Saving",
  "Restoring",
  "DiscardSavedState",
  "Starting",
  "MergingDrives",
  "Deleting",
  "DiscardingDrives",
  "Pausing",
  "UnderCreation",
  "UnderTemplateCreation",
  "UnderUpdate",
  "UnderReplacement",
  "UnderMigration",
  "UnderLiveCloning",
  "CreatingCheckpoint",
  "DeletingCheckpoint",
  "RecoveringCheckpoint",
  "InitializingCheckpointOperation",
  "FinishingCheckpointOperation"
] as const

export const broken = [
  "CreationFailed",
  "TemplateCreationFailed",
  "CustomizationFailed",
  "UpdateFailed",
  "ReplacementFailed",
  "MigrationFailed",
  "CheckpointFailed",
  "P2VCreationFailed",
  "V2VCreationFailed",
  "ShieldingFailed",
  "IncompleteVMConfig"
] as const

const other = ["Saved", "Paused", "Missing", "HostNotResponding", "Stored", "DbOnly", "FutureState"] as const

export const off = ["PowerOff", "Stopped"] as const

const State = Schema.Union([
  Schema.Literals(["Running", ...off]),
  Schema.Literals([...off, ...atWork, ...broken, ...other, "Running"])
])

const JobOf = Schema.Struct({
  ...Job.fields,
  Status: Schema.Literals(["NotStarted", "Running", "Completed", "SucceedWithInfo", "Failed", "Canceled"])
})

/** Nothing decides by these: one entry of each does. */
const few = {
  NetworkAdapters: VirtualMachine.fields.NetworkAdapters.check(Schema.isMaxLength(1)),
  Disks: VirtualMachine.fields.Disks.check(Schema.isMaxLength(1)),
  DvdDrives: VirtualMachine.fields.DvdDrives.check(Schema.isMaxLength(1))
}

export const AnyVirtualMachine = Schema.Struct({
  ...VirtualMachine.fields,
  ...few,
  Status: State,
  VirtualMachineState: State,
  Job: Schema.optionalKey(JobOf)
})

/** A VM that is off and that VMM leaves alone. */
export const Idle = Schema.Struct({
  ...VirtualMachine.fields,
  ...few,
  Status: Schema.Literals(off),
  VirtualMachineState: Schema.Literals(off),
  Job: Schema.optionalKey(Schema.Struct({ ...Job.fields, Status: Schema.Literals(["Completed", "Failed"]) }))
})

const Wait = Schema.Struct({
  reason: Schema.Literals(["WaitingForBootstrapData", "MissingCluster"]),
  message: Schema.String
})

const Creation = Schema.Struct({
  execHost: Schema.String,
  shellId: Schema.String,
  startedAt: Schema.Literal("2026-01-01T00:00:00Z")
})

/** What is looked up follows from the id: nothing without one. */
const Sight = Schema.Union([
  Schema.Struct({ id: Schema.Undefined, sighting: Schema.Struct({ _tag: Schema.tag("Unknown") }) }),
  Schema.Struct({ id: Schema.String, sighting: Schema.Struct({ _tag: Schema.tag("Absent") }) }),
  Schema.Struct({
    id: Schema.String,
    sighting: Schema.Struct({ _tag: Schema.tag("Present"), vm: AnyVirtualMachine, owned: Schema.Boolean })
  })
])

const Around = Schema.Struct({
  deleting: Schema.Boolean,
  finalizer: Schema.Boolean,
  nameStored: Schema.Boolean,
  creation: Schema.UndefinedOr(Creation),
  wasUp: Schema.Boolean,
  call: Schema.UndefinedOr(Schema.Literals(["create", "seed"])),
  wait: Schema.UndefinedOr(Wait),
  seed: Schema.Literals(["unwanted", "missing", "mounted"]),
  growth: Schema.UndefinedOr(
    Schema.Struct({
      busType: Schema.Literals(["SCSI", "IDE"]),
      bus: Schema.Literal(0),
      lun: Schema.Int,
      sizeMB: Schema.Int
    })
  ),
  powerPolicy: Schema.Literals(["Report", "PowerOn"])
})

export const Observation = Schema.Struct({ around: Around, sight: Sight })

export const observed = ({ around, sight }: typeof Observation.Type, change: Partial<Observed> = {}): Observed => ({
  ...around,
  ...sight,
  ...change
})
