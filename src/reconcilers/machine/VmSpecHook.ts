/** The hook of a site that completes a machine's spec: spec.extraFunctions.AddVMSpec of the provider (checklist 36). */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { AddVMSpec } from "../../../schemas/vmm/Hook.ts"
import { AnswerInvalid, VmmFailure } from "../../../layers/scvmm/ScvmmError.ts"
import type { Session } from "../../../layers/scvmm/ScvmmSession.ts"
import { vmNameOf } from "./Creation.ts"
import type { MachineContext } from "./MachineContext.ts"
import type { Placement } from "./Placement.ts"

const isNothing = (error: unknown): boolean => error === undefined || error === null || error === ""

/** What the hook is shown: the spec with the name and the placement that the VM has. */
const shown = Effect.fnUntraced(function* ({ machine, placement: { cloud, hostGroup, networking } }: MachineContext) {
  const resolved = {
    vmName: vmNameOf(machine),
    ...(cloud !== undefined && { cloud }),
    ...(hostGroup !== undefined && { hostGroup }),
    ...(networking !== undefined && { networking })
  }
  // What was decoded by this codec is encoded by it.
  const encoded = yield* Effect.orDie(
    Schema.encodeEffect(ScvmmMachine.schema)({ ...machine, spec: { ...machine.spec, ...resolved } })
  )
  const { metadata, spec } = encoded as { readonly metadata: unknown; readonly spec: unknown }
  return { spec: JSON.stringify(spec), metadata: JSON.stringify(metadata) }
})

/** The networking that the medium gets: the hook's when there is one and it says so, else the placement's. */
export const networkingOf = Effect.fn("VmSpecHook.networkingOf")(function* (context: MachineContext, session: Session) {
  const { connection, placement } = context
  const isHook = (name: string): boolean => name.toLowerCase() === AddVMSpec.name.toLowerCase()
  if (!Object.keys(connection.extraFunctions).some(isHook)) return placement.networking
  const [answer, ...more] = yield* session.run(AddVMSpec, yield* shown(context))
  if (answer === undefined || more.length > 0) {
    const detail = `${more.length + (answer === undefined ? 0 : 1)} documents, one expected`
    return yield* new AnswerInvalid({ function: AddVMSpec.name, detail })
  }
  if (!isNothing(answer.Error)) {
    const detail = answer.Message ?? "it says Error, and no Message"
    return yield* new VmmFailure({ function: AddVMSpec.name, errorId: "ExtraFunctionFailed", detail })
  }
  const networking: Placement["networking"] = answer.networking ?? placement.networking
  return networking
})
