/** What the conditions of a ScvmmMachine say after one reconcile: pure, from the step that was decided or the error it met. */
import { finding, type Finding } from "../../../schemas/kube/Condition.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { isActive, quarters } from "../../../schemas/vmm/Job.ts"
import type { Step } from "./Plan.ts"

/** Reasons of VmCreated's False are the predecessor's (checklist 8), so that its users' tooling keeps working. */
const creating = (reason: string, message: string): ReadonlyArray<Finding> => [
  finding("VirtualMachineProvisioned", "False", reason, message),
  finding("VmCreated", "False", reason, message),
  finding("VmRunning", "False", reason, message),
  finding("Ready", "False", "NotReady", message)
]

/** The VM exists, but is not up: what is being done about it, or what is wrong with it. */
const existing = (reason: string, message: string): ReadonlyArray<Finding> => [
  finding("VirtualMachineProvisioned", "False", reason, message),
  finding("VmCreated", "True", "VmCreated"),
  finding("VmRunning", "False", reason, message),
  finding("Ready", "False", "NotReady", message)
]

const progress = (vm: VirtualMachine): string =>
  vm.Job !== undefined && isActive(vm.Job)
    ? `${vm.Job.Name}: ${quarters(vm.Job)} %`
    : `the VM is ${vm.Status === vm.VirtualMachineState ? vm.Status : `${vm.Status} (${vm.VirtualMachineState})`}`

const settled = (addresses: number): ReadonlyArray<Finding> => [
  finding("VirtualMachineProvisioned", "True", "Provisioned"),
  finding("VmCreated", "True", "VmCreated"),
  finding("VmRunning", "True", "VmRunning"),
  addresses > 0
    ? finding("Ready", "True", "Ready")
    : finding("Ready", "False", "WaitingForIPAddress", "the VM runs, VMM does not report an address of it yet")
]

const deleting = (message: string): ReadonlyArray<Finding> => [
  finding("Deleting", "True", "Deleting", message),
  finding("VmRunning", "False", "VmDeleting", message),
  finding("Ready", "False", "Deleting", message)
]

export const notDeleting: Finding = finding("Deleting", "False", "NotDeleting")
export const notPaused: Finding = finding("Paused", "False", "NotPaused")
export const paused = (message: string): Finding => finding("Paused", "True", "Paused", message)
export const available: Finding = finding("ScvmmAvailable", "True", "Available")

/** The provider cannot be used: nothing is known of the VM, so nothing but readiness changes. */
export const unavailable = (reason: string, message: string): ReadonlyArray<Finding> => [
  finding("ScvmmAvailable", "False", reason, message),
  finding("Ready", "False", "NotReady", message)
]

/** A step failed; `deletion` decides which condition carries the reason. `vm` tells whether one exists. */
export const failed = (
  reason: string,
  message: string,
  at: { readonly deletion: boolean; readonly exists: boolean }
): ReadonlyArray<Finding> => {
  if (at.deletion) return deleting(message)
  return at.exists ? existing(reason, message) : creating(reason, message)
}

/** The findings of a step. `addresses` counts what Settle publishes. */
export const ofStep = (
  step: Step,
  at: { readonly deletion: boolean; readonly addresses: number }
): ReadonlyArray<Finding> => {
  if (at.deletion) {
    switch (step._tag) {
      case "Remove":
        return deleting(`removing virtual machine ${step.vm.Name}`)
      case "AwaitJob":
        return deleting(`waiting for VMM: ${progress(step.vm)}`)
      case "AwaitCall":
        return deleting("waiting for a call to SCVMM to end")
      case "Recover":
        return deleting("looking for what an interrupted attempt left")
      default:
        return deleting("")
    }
  }
  switch (step._tag) {
    case "AddFinalizer":
    case "ReserveName":
    case "Create":
      return creating("VmCreating", "the VM is about to be created")
    case "Recover":
      return creating("VmCreating", "looking for what an interrupted attempt left")
    case "AwaitCall":
      return step.call === "create"
        ? creating("VmCreating", "SCVMM is placing the VM")
        : existing("VmUpdatingCloudInit", "the seed medium is being made")
    case "AwaitJob":
      return step.vm.Status === "UnderCreation"
        ? creating("VmCreating", progress(step.vm))
        : existing(step.vm.VirtualMachineState === "Starting" ? "VmStarting" : "VmUpdating", progress(step.vm))
    case "Wait":
      return (step.vm === undefined ? creating : existing)(step.wait.reason, step.wait.message)
    case "Expand":
      return existing(
        "VmUpdatingDisks",
        `the disk on ${step.growth.busType} ${step.growth.bus}:${step.growth.lun} grows`
      )
    case "Seed":
      return existing("VmUpdatingCloudInit", "the seed medium is being made")
    case "Start":
      return existing("VmStarting", "the VM is being started")
    case "Settle":
      return settled(at.addresses)
    case "Report":
      return (step.vm === undefined ? creating : existing)(step.reason, step.message)
    case "Refuse":
      return creating(step.reason, step.message)
    case "Remove":
    case "Release":
    case "Disown":
      return deleting("")
  }
}
