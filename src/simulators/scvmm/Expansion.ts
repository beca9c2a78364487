/** Expand-SCVirtualDiskDrive: how a disk of a VM that is off grows. */
import * as Effect from "effect/Effect"
import { start as startJob } from "./JobRunner.ts"
import type { Started } from "./JobRunner.ts"
import { duration } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import type { Disk, VirtualMachine } from "./VirtualMachine.ts"
import { vmmError } from "./VmmError.ts"

const gibibyte = 1024 ** 3

/**
 * Expand-SCVirtualDiskDrive -RunAsynchronously, to a size in whole GiB: the VM shows UnderUpdate until the disk has it. Fails
 * with 801 when the VM went, with 2602 when it is locked and with 640 when it is not off.
 */
export const expand = (
  model: Model,
  vm: VirtualMachine,
  disk: Disk,
  sizeGB: number
): Effect.Effect<Started, Terminated> =>
  Effect.suspend(() => {
    const cmdlet = "Expand-SCVirtualDiskDrive"
    if (!model.virtualMachines.has(vm.id)) return Effect.fail(vmmError(801, cmdlet))
    if (vm.lock !== undefined) return Effect.fail(vmmError(2602, cmdlet))
    if (vm.state !== "PowerOff") return Effect.fail(vmmError(640, cmdlet))
    return startJob(model, {
      vm,
      resultName: vm.name,
      resultObjectId: vm.id,
      kind: "Expand",
      name: "Expand virtual hard disk",
      cmdlet,
      millis: duration(model, "expand"),
      begin: () => {
        vm.updating = true
      },
      succeed: Effect.sync(() => {
        // A fixed disk occupies all of its size.
        if (disk.size === disk.maximumSize) disk.size = sizeGB * gibibyte
        disk.maximumSize = sizeGB * gibibyte
        vm.updating = false
      }),
      fail: () => {
        vm.updating = false
      }
    })
  }).pipe(Effect.withSpan("Scvmm.expand"))
