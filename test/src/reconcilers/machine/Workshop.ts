/** What the steps of machines share, as a reconciler that has just started has it. */
import * as Effect from "effect/Effect"
import type { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import * as Attempts from "../../../../src/reconcilers/machine/Attempts.ts"
import * as Endings from "../../../../src/reconcilers/machine/Endings.ts"
import type { CallError } from "../../../../src/reconcilers/machine/MachineContext.ts"
import * as Calls from "../../../../src/runtime/Calls.ts"

export const workshop = Effect.map(Calls.make<VirtualMachine, CallError>(), (calls) => ({
  installation: "i",
  calls,
  attempts: Attempts.make(),
  endings: Endings.make()
}))
