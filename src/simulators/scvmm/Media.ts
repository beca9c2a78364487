/** Import-SCLibraryPhysicalResource and Set-SCVirtualDVDDrive: how a medium gets into the library and into a VM. */
import * as Effect from "effect/Effect"
import { complete } from "./JobRunner.ts"
import type { Medium } from "./Library.ts"
import { fileName } from "./Library.ts"
import { duration } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import type { DvdDrive, VirtualMachine } from "./VirtualMachine.ts"
import { vmmError } from "./VmmError.ts"

/** Blocks until the library shows the file; overwrites. Fails as the job does. */
export const importMedium = (model: Model, sharePath: string, bytes: Uint8Array): Effect.Effect<void, Terminated> =>
  Effect.asVoid(
    complete(model, {
      vm: undefined,
      resultName: fileName(sharePath),
      resultObjectId: "",
      kind: "Import",
      name: "Import library physical resource",
      cmdlet: "Import-SCLibraryPhysicalResource",
      millis: duration(model, "import"),
      begin: () => {},
      succeed: Effect.sync(() => {
        model.library.put(sharePath, bytes, model.entropy)
      }),
      fail: () => {}
    })
  )

/** Generation 1 has its drive on IDE 1:0, generation 2 on the first free LUN of its SCSI bus. */
const freeSlot = (vm: VirtualMachine): Pick<DvdDrive, "bus" | "lun"> => {
  if (vm.generation === 1) return { bus: 1, lun: 0 }
  const taken = new Set([...vm.disks, ...vm.dvds].filter((device) => device.bus === 0).map((device) => device.lun))
  let lun = 0
  while (taken.has(lun)) lun += 1
  return { bus: 0, lun }
}

/**
 * Puts a medium into the first DVD drive, made when absent, as a copy. Blocks; the VM shows UnderUpdate meanwhile. Fails
 * with 640 when a drive must be made for a VM that is not off, with 2602 when the VM is locked, and as the job does.
 */
export const mount = (model: Model, vm: VirtualMachine, medium: Medium): Effect.Effect<void, Terminated> =>
  Effect.suspend(() => {
    const present = vm.dvds[0]
    const cmdlet = present === undefined ? "New-SCVirtualDVDDrive" : "Set-SCVirtualDVDDrive"
    if (vm.lock !== undefined) return Effect.fail(vmmError(2602, cmdlet))
    const off = vm.state === "PowerOff"
    if (!off && (present === undefined || vm.state !== "Running")) return Effect.fail(vmmError(640, cmdlet))
    return Effect.asVoid(
      complete(model, {
        vm,
        resultName: vm.name,
        resultObjectId: vm.id,
        kind: "Mount",
        name: present === undefined ? "Create virtual DVD drive" : "Change properties of virtual DVD drive",
        cmdlet,
        millis: duration(model, "mount"),
        begin: () => {
          vm.updating = true
        },
        succeed: Effect.sync(() => {
          const drive: DvdDrive = present ?? { ...freeSlot(vm), medium: undefined }
          if (present === undefined) vm.dvds.push(drive)
          drive.medium = { fileName: fileName(medium.sharePath), bytes: medium.bytes }
          vm.updating = false
        }),
        fail: () => {
          vm.updating = false
        }
      })
    )
  })
