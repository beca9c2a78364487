/** Which disk of a VM is smaller than the spec says: a copied library disk, before the VM's first start (checklist 17): pure. */
import * as Quantity from "../../../schemas/scvmm/Quantity.ts"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"

/** One disk to grow, by its place; MiB. */
export interface Growth {
  readonly busType: "SCSI" | "IDE"
  readonly bus: number
  readonly lun: number
  readonly sizeMB: number
}

/** Differences below this are rounding, not a wish (predecessor §1.1). */
const slackBytes = 1_048_576n

/** Entry i is on LUN i of SCSI 0; the first of a generation 1 VM on IDE 0:0 (checklist 15). */
const placeOf = (index: number, generation: number): Omit<Growth, "sizeMB"> =>
  generation === 1 && index === 0 ? { busType: "IDE", bus: 0, lun: 0 } : { busType: "SCSI", bus: 0, lun: index }

/** The first disk that is too small; undefined when none is. A disk that VMM does not show is nobody's to grow. */
export const growthOf = (machine: ScvmmMachine, vm: VirtualMachine): Growth | undefined => {
  for (const [index, entry] of (machine.spec.disks ?? []).entries()) {
    if (entry.size === undefined) continue
    const place = placeOf(index, vm.Generation)
    const disk = vm.Disks.find(
      (candidate) => candidate.BusType === place.busType && candidate.Bus === place.bus && candidate.Lun === place.lun
    )
    if (disk === undefined) continue
    if (BigInt(Math.floor(disk.MaximumSize)) + slackBytes < Quantity.toBytes(entry.size)) {
      return { ...place, sizeMB: Quantity.toMebibytes(entry.size) }
    }
  }
  return undefined
}
