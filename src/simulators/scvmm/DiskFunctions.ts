/** The function for disks of a VM that exists: Expand-CapsVirtualDisk. */
import * as Effect from "effect/Effect"
import { ErrorId, ExpandVirtualDisk } from "../../../schemas/vmm/Verb.ts"
import { expand } from "./Expansion.ts"
import { pause } from "./Model.ts"
import { resolve, step } from "./ReadFunctions.ts"
import { implement } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { functionError } from "./VmmError.ts"

const mebibyte = 1024 ** 2

export const expandVirtualDisk = implement(ExpandVirtualDisk, ({ model }, { Id, BusType, Bus, Lun, SizeMB }) =>
  Effect.gen(function* () {
    const name = ExpandVirtualDisk.name
    const vm = yield* resolve(model, name, Id)
    yield* pause(model, "get")
    const disk = vm.disks.find((each) => each.busType === BusType && each.bus === Bus && each.lun === Lun)
    if (disk === undefined) {
      return yield* Effect.fail(
        functionError(
          ErrorId.virtualDiskNotFound,
          name,
          `virtual machine ${Id} has no disk on ${BusType} ${Bus}:${Lun}`,
          { Id, BusType, Bus, Lun }
        )
      )
    }
    if (disk.maximumSize < SizeMB * mebibyte) {
      yield* step(model, name, Id, expand(model, vm, disk, Math.ceil(SizeMB / 1024)))
    }
    return [VirtualMachine.document(yield* resolve(model, name, Id), model.now())]
  })
)
