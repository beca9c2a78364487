/** The steps that grow, start, remove and tidy up after a VM. */
import * as Effect from "effect/Effect"
import * as Marker from "../../../schemas/vmm/Marker.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import {
  ExpandVirtualDisk,
  RemoveLeftover,
  RemoveVirtualMachine,
  StartVirtualMachine
} from "../../../schemas/vmm/Verb.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import type { Growth } from "./Growth.ts"
import type { MachineContext } from "./MachineContext.ts"

export const start = Effect.fn("PowerStep.start")(function* ({ connection }: MachineContext, vm: VirtualMachine) {
  const sessions = yield* ScvmmSession
  const inventory = yield* Inventory
  yield* sessions
    .run(connection, StartVirtualMachine, { Id: vm.Id })
    .pipe(Effect.ensuring(inventory.invalidate(connection.uid, vm.Id)))
})

export const expand = Effect.fn("PowerStep.expand")(function* (
  { connection }: MachineContext,
  vm: VirtualMachine,
  growth: Growth
) {
  const sessions = yield* ScvmmSession
  const inventory = yield* Inventory
  yield* sessions
    .run(connection, ExpandVirtualDisk, {
      Id: vm.Id,
      BusType: growth.busType,
      Bus: growth.bus,
      Lun: growth.lun,
      SizeMB: growth.sizeMB
    })
    .pipe(Effect.ensuring(inventory.invalidate(connection.uid, vm.Id)))
})

/** One step towards no VM; true when it is gone. The verb checks the very marker that was read. */
export const remove = Effect.fn("PowerStep.remove")(function* ({ connection }: MachineContext, vm: VirtualMachine) {
  const sessions = yield* ScvmmSession
  const inventory = yield* Inventory
  const marker = Marker.parse(vm.Description)
  const answer = yield* sessions
    .run(connection, RemoveVirtualMachine, { Id: vm.Id, Marker: marker === undefined ? "" : Marker.render(marker) })
    .pipe(
      Effect.ensuring(inventory.invalidate(connection.uid, vm.Id)),
      Effect.catchTag("ScvmmVirtualMachineNotFound", () => Effect.succeed({ Gone: true }))
    )
  return answer.Gone
})

/** What remains after the machine's leftovers were removed: locked or refused things, by name. */
export const tidy = Effect.fn("PowerStep.tidy")(function* ({ connection, machine }: MachineContext) {
  const sessions = yield* ScvmmSession
  const answer = yield* sessions.run(connection, RemoveLeftover, {
    MachineUid: machine.metadata.uid,
    LibraryShare: connection.libraryShare
  })
  return answer.Remaining
})
