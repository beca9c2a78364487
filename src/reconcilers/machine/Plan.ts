/** The next step of one ScvmmMachine, decided from what was observed: a pure table. */
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { isActive } from "../../../schemas/vmm/Job.ts"
import type { Wait } from "./Gate.ts"
import type { Growth } from "./Growth.ts"

/** An attempt to create the VM, recorded before its command left (design D6). */
export interface Creation {
  readonly execHost: string
  readonly shellId: string
  /** ISO 8601. */
  readonly startedAt: string
}

export type Sighting =
  /** No id is known, so nothing was looked up. */
  | { readonly _tag: "Unknown" }
  | { readonly _tag: "Absent" }
  | { readonly _tag: "Present"; readonly vm: VirtualMachine; readonly owned: boolean }

export interface Observed {
  readonly deleting: boolean
  readonly finalizer: boolean
  readonly nameStored: boolean
  readonly id: string | undefined
  readonly creation: Creation | undefined
  /** The VM was running once: the owner Machine's spec.providerID, or a stand-alone machine's own (design D7). */
  readonly wasUp: boolean
  /** A tracked call of this machine is under way in this process. */
  readonly call: "create" | "seed" | undefined
  readonly sighting: Sighting
  /** Why no VM may be created or seeded yet. */
  readonly wait: Wait | undefined
  readonly seed: "unwanted" | "missing" | "mounted"
  /** The disk that must grow before the VM starts first. */
  readonly growth: Growth | undefined
  readonly powerPolicy: "Report" | "PowerOn"
}

export type Step =
  | { readonly _tag: "AddFinalizer" }
  /** Nothing can be done before something changes; `vm` is there when one exists already. */
  | { readonly _tag: "Wait"; readonly wait: Wait; readonly vm: VirtualMachine | undefined }
  /** spec.vmName, so that every attempt uses one name. */
  | { readonly _tag: "ReserveName" }
  /** Intent, then New-CapsVirtualMachine, as a tracked call. */
  | { readonly _tag: "Create" }
  | { readonly _tag: "AwaitCall"; readonly call: "create" | "seed" }
  /** An attempt whose end nobody here saw: end its shell, then look for its VM by marker. */
  | { readonly _tag: "Recover"; readonly creation: Creation }
  | { readonly _tag: "AwaitJob"; readonly vm: VirtualMachine }
  | { readonly _tag: "Expand"; readonly vm: VirtualMachine; readonly growth: Growth }
  /** Import and mount the seed medium, as a tracked call. */
  | { readonly _tag: "Seed"; readonly vm: VirtualMachine; readonly vmId: string }
  | { readonly _tag: "Start"; readonly vm: VirtualMachine }
  /** Running: publish what it is. */
  | { readonly _tag: "Settle"; readonly vm: VirtualMachine }
  /** A state of the machine's own VM, or its absence, that we only report. */
  | {
      readonly _tag: "Report"
      readonly vm: VirtualMachine | undefined
      readonly reason: string
      readonly message: string
    }
  /** The VM of the known id is somebody else's: said, and nothing of it is kept. */
  | { readonly _tag: "Refuse"; readonly vm: VirtualMachine; readonly reason: string; readonly message: string }
  | { readonly _tag: "Remove"; readonly vm: VirtualMachine }
  /** Leftovers of the machine, then the finalizer. */
  | { readonly _tag: "Release" }
  /** The VM is somebody else's: the finalizer goes, the VM stays. */
  | { readonly _tag: "Disown"; readonly vm: VirtualMachine }

const transitional = new Set([
  "UnderCreation",
  "UnderUpdate",
  "UnderMigration",
  "UnderReplacement",
  "UnderTemplateCreation",
  "UnderLiveCloning",
  "Starting",
  "PoweringOff",
  "Stopping",
  "Saving",
  "Restoring",
  "Pausing",
  "Deleting",
  "DiscardSavedState",
  "MergingDrives",
  "DiscardingDrives",
  "CreatingCheckpoint",
  "DeletingCheckpoint",
  "RecoveringCheckpoint",
  "InitializingCheckpointOperation",
  "FinishingCheckpointOperation"
])

const off = (vm: VirtualMachine): boolean =>
  vm.VirtualMachineState === "PowerOff" || vm.VirtualMachineState === "Stopped"

/** VMM itself works on the VM, so that a command of ours would meet its lock (2602). */
const busy = (vm: VirtualMachine): boolean =>
  transitional.has(vm.Status) || transitional.has(vm.VirtualMachineState) || (vm.Job !== undefined && isActive(vm.Job))

const jobError = (vm: VirtualMachine): string => (vm.Job?.ErrorMessage === undefined ? "" : `: ${vm.Job.ErrorMessage}`)

/** VMM does not see the VM: what it says of its power is what it saw last. */
const lost = new Set(["Missing", "HostNotResponding", "DbOnly", "Unsupported"])

/** Up, whatever VMM does to it meanwhile: a migration, a checkpoint or an update is no reason to call a Node unhealthy. */
const running = (vm: VirtualMachine): boolean =>
  vm.VirtualMachineState === "Running" &&
  !lost.has(vm.Status) &&
  !["UnderCreation", "CreationFailed", "IncompleteVMConfig", "Deleting"].includes(vm.Status)

const planPresent = (observed: Observed, vm: VirtualMachine): Step => {
  if (running(vm)) return { _tag: "Settle", vm }
  if (busy(vm)) return { _tag: "AwaitJob", vm }
  if (lost.has(vm.Status)) {
    const message = `VMM reports ${vm.Status}: it does not see the VM on its host`
    return { _tag: "Report", vm, reason: "VirtualMachineLost", message }
  }
  if (vm.Status.endsWith("Failed") || vm.Status === "IncompleteVMConfig") {
    return {
      _tag: "Report",
      vm,
      reason: "VmFailed",
      message: `VMM reports ${vm.Status}${jobError(vm)}; repair the VM in VMM or delete the Machine`
    }
  }
  if (!off(vm)) {
    return { _tag: "Report", vm, reason: "VirtualMachineNotRunning", message: `the VM is ${vm.VirtualMachineState}` }
  }
  if (observed.wasUp) {
    return observed.powerPolicy === "PowerOn"
      ? { _tag: "Start", vm }
      : {
          _tag: "Report",
          vm,
          reason: "VirtualMachinePoweredOff",
          message: "the VM was switched off outside; powerPolicy is Report"
        }
  }
  if (vm.VMId === undefined) return { _tag: "AwaitJob", vm }
  if (observed.growth !== undefined) return { _tag: "Expand", vm, growth: observed.growth }
  if (observed.seed !== "missing") return { _tag: "Start", vm }
  return observed.wait === undefined ? { _tag: "Seed", vm, vmId: vm.VMId } : { _tag: "Wait", wait: observed.wait, vm }
}

const planCreation = (observed: Observed): Step => {
  if (observed.creation !== undefined) return { _tag: "Recover", creation: observed.creation }
  if (observed.wait !== undefined) return { _tag: "Wait", wait: observed.wait, vm: undefined }
  return observed.nameStored ? { _tag: "Create" } : { _tag: "ReserveName" }
}

const planDeletion = (observed: Observed): Step => {
  if (observed.call !== undefined) return { _tag: "AwaitCall", call: observed.call }
  switch (observed.sighting._tag) {
    case "Unknown":
      return observed.creation === undefined ? { _tag: "Release" } : { _tag: "Recover", creation: observed.creation }
    case "Absent":
      return { _tag: "Release" }
    case "Present": {
      const { vm, owned } = observed.sighting
      if (!owned) return { _tag: "Disown", vm }
      return busy(vm) ? { _tag: "AwaitJob", vm } : { _tag: "Remove", vm }
    }
  }
}

/**
 * Expected flow of a creation: AddFinalizer → ReserveName → Create → AwaitCall → AwaitJob → Expand → AwaitJob → Seed →
 * AwaitCall → Start → AwaitJob → Settle. Of a deletion: Remove (stop) → AwaitJob → Remove → AwaitJob → Release.
 *
 * Guarantees: a known id never leads to Create (checklist 6); an attempt that was recorded is looked for before another
 * (design D6); a VM that was up is never seeded, and started only by policy (design D7); a VM that is not ours is neither
 * started nor removed (design D6a).
 *
 * Assumptions: `call` is this process's knowledge alone; `creation` and `id` were read from the API server, not a cache,
 * before Create and Recover are carried out.
 */
export const plan = (observed: Observed): Step => {
  if (observed.deleting) return planDeletion(observed)
  if (!observed.finalizer) return { _tag: "AddFinalizer" }
  if (observed.call !== undefined) return { _tag: "AwaitCall", call: observed.call }
  switch (observed.sighting._tag) {
    case "Unknown":
      return planCreation(observed)
    case "Absent":
      return {
        _tag: "Report",
        vm: undefined,
        reason: "VirtualMachineNotFound",
        message: `VMM has no virtual machine with id ${observed.id ?? ""}; it is never created again, delete the Machine to replace it`
      }
    case "Present": {
      const { vm, owned } = observed.sighting
      return owned
        ? planPresent(observed, vm)
        : {
            _tag: "Refuse",
            vm,
            reason: "VirtualMachineNotOwned",
            message: `virtual machine ${vm.Id} (${vm.Name}) does not carry this machine's marker; nothing is done to it`
          }
    }
  }
}
