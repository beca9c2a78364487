/** The functions that change what a VM does: Start-, Stop- and Remove-CapsVirtualMachine. */
import * as Effect from "effect/Effect"
import { ErrorId, RemoveVirtualMachine, StartVirtualMachine, StopVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import { isRunning } from "./Job.ts"
import type { Model } from "./Model.ts"
import * as Power from "./Power.ts"
import { resolve, select, step } from "./ReadFunctions.ts"
import { implement } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { functionError, functionErrorId } from "./VmmError.ts"

const answer = (model: Model, vm: VirtualMachine.VirtualMachine) => [VirtualMachine.document(vm, model.now())]

export const startVirtualMachine = implement(StartVirtualMachine, ({ model }, { Id }) =>
  Effect.gen(function* () {
    const vm = yield* resolve(model, StartVirtualMachine.name, Id)
    if (vm.state === "Running" || vm.state === "Starting") return answer(model, vm)
    yield* step(model, StartVirtualMachine.name, Id, Power.start(model, vm))
    return answer(model, yield* resolve(model, StartVirtualMachine.name, Id))
  })
)

export const stopVirtualMachine = implement(StopVirtualMachine, ({ model }, { Id, Mode }) =>
  Effect.gen(function* () {
    const vm = yield* resolve(model, StopVirtualMachine.name, Id)
    if (vm.state === "PowerOff" || vm.state === "PoweringOff") return answer(model, vm)
    yield* step(model, StopVirtualMachine.name, Id, Power.stop(model, vm, Mode))
    return answer(model, yield* resolve(model, StopVirtualMachine.name, Id))
  })
)

/** States that pass by themselves. */
const transitional: ReadonlyArray<VirtualMachine.State> = ["UnderCreation", "Starting", "PoweringOff", "Deleting"]

export const removeVirtualMachine = implement(RemoveVirtualMachine, ({ model }, { Id, Marker }) =>
  Effect.gen(function* () {
    const name = RemoveVirtualMachine.name
    const vm = yield* select(model, name, Id)
    if (vm === undefined) return [{ Gone: true }]
    if (!VirtualMachine.hasMarker(vm, Marker)) {
      return yield* Effect.fail(
        functionError(
          ErrorId.virtualMachineNotOwned,
          name,
          `the description of virtual machine ${Id} does not hold the marker of its machine`,
          { Id }
        )
      )
    }
    const busy = vm.mostRecentTask !== undefined && isRunning(vm.mostRecentTask)
    if (!busy && !vm.updating && !transitional.includes(vm.state)) {
      const towards = vm.state === "Running" ? Power.stop(model, vm, "Force") : Power.remove(model, vm)
      // One that went since it was looked at is gone as wished.
      yield* step(model, name, Id, towards).pipe(
        Effect.catchIf(
          (failure) => functionErrorId(failure) === ErrorId.virtualMachineNotFound,
          () => Effect.void
        )
      )
    }
    const after = yield* select(model, name, Id)
    return [
      after === undefined
        ? { Gone: true }
        : { Gone: false, VirtualMachine: VirtualMachine.document(after, model.now()) }
    ]
  })
)
