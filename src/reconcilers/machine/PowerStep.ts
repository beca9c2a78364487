/** The steps that grow, seed, start, remove and tidy up after a VM. */
import * as Effect from "effect/Effect"
import * as Marker from "../../../schemas/vmm/Marker.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import {
  ExpandVirtualDisk,
  MountMedium,
  RemoveLeftover,
  RemoveVirtualMachine,
  StartVirtualMachine
} from "../../../schemas/vmm/Verb.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { AnswerInvalid } from "../../../layers/scvmm/ScvmmError.ts"
import { ScvmmSession, type Session } from "../../../layers/scvmm/ScvmmSession.ts"
import type { Growth } from "./Growth.ts"
import type { MachineContext } from "./MachineContext.ts"

/** A mutation that answers the VM, and what Inventory is to know afterwards: that answer, or nothing when there is none. */
const remembered = <E, R>(
  { connection }: MachineContext,
  id: string,
  mutation: Effect.Effect<VirtualMachine, E, R>
): Effect.Effect<VirtualMachine, E, R | Inventory> =>
  Inventory.use((inventory) =>
    mutation.pipe(
      Effect.tap((vm) => inventory.answered(connection, id, vm)),
      Effect.onError(() => inventory.invalidate(connection.uid, id))
    )
  )

export const start = Effect.fn("PowerStep.start")(function* (context: MachineContext, vm: VirtualMachine) {
  const sessions = yield* ScvmmSession
  yield* remembered(context, vm.Id, sessions.run(context.connection, StartVirtualMachine, { Id: vm.Id }))
})

export const expand = Effect.fn("PowerStep.expand")(function* (
  context: MachineContext,
  vm: VirtualMachine,
  growth: Growth
) {
  const sessions = yield* ScvmmSession
  const disk = { Id: vm.Id, BusType: growth.busType, Bus: growth.bus, Lun: growth.lun }
  const grown = sessions.run(context.connection, ExpandVirtualDisk, { ...disk, SizeMB: growth.sizeMB })
  yield* remembered(context, vm.Id, grown)
})

/** Puts the seed medium into the VM's drive, on the session that imported it. */
export const mount = Effect.fn("PowerStep.mount")(function* (
  context: MachineContext,
  session: Session,
  vm: VirtualMachine,
  fileName: string
) {
  const { libraryShare } = context.connection
  const mounting = Effect.flatMap(
    session.run(MountMedium, { Id: vm.Id, FileName: fileName, LibraryShare: libraryShare }),
    ([mounted]) =>
      mounted === undefined
        ? Effect.fail(new AnswerInvalid({ function: MountMedium.name, detail: "no answer at all" }))
        : Effect.succeed(mounted)
  )
  return yield* remembered(context, vm.Id, mounting)
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
