/** What a step that was taken leaves for the reconcile: the object as it is now, when to look again, what to tell. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import * as Action from "../../runtime/Action.ts"
import type * as Status from "../../runtime/Status.ts"
import { ofStep } from "./Conditions.ts"
import type { MachineContext } from "./MachineContext.ts"
import type { Step } from "./Plan.ts"

export interface Taken {
  /** As the last write answered it. */
  readonly machine: ScvmmMachine
  readonly action: Action.Action
  /** Absent: the conditions stay as they are. */
  readonly status?: {
    readonly fields: NonNullable<Status.Desired["fields"]>
    readonly findings: ReadonlyArray<Finding>
  }
}

/** Our copy is behind: the watch brings it on its own, this is the net below it. */
export const again = Action.requeueAfter(Duration.millis(250))
/** A look of our own, should the Inventory's change be missed. */
export const later = Action.requeueAfter(Duration.minutes(2))

export const deleting = (machine: ScvmmMachine): boolean => machine.metadata.deletionTimestamp !== undefined

export const findings = (step: Step, machine: ScvmmMachine, addresses = 0): ReadonlyArray<Finding> =>
  ofStep(step, { deletion: deleting(machine), addresses })

export const follow = Effect.fnUntraced(function* (
  context: MachineContext,
  vm: VirtualMachine,
  pace: "transition" | "rest"
) {
  const inventory = yield* Inventory
  yield* inventory.follow(context.connection, vm.Id, keyOf(context.machine), pace)
})
