/** Events of a ScvmmMachine, with the predecessor's reasons. */
import * as Effect from "effect/Effect"
import { apiVersion } from "../../../schemas/kube/Resource.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { Events } from "../../../layers/kube/Events.ts"

const regarding = (machine: ScvmmMachine) => ({
  apiVersion: apiVersion(ScvmmMachine),
  kind: ScvmmMachine.kind,
  namespace: machine.metadata.namespace ?? "",
  name: machine.metadata.name,
  uid: machine.metadata.uid
})

export const announce = Effect.fnUntraced(function* (machine: ScvmmMachine, reason: string, message: string) {
  const events = yield* Events
  yield* events.publish(regarding(machine), { type: "Normal", reason, message })
})

export const announceFailure = Effect.fnUntraced(function* (machine: ScvmmMachine, reason: string, message: string) {
  const events = yield* Events
  yield* events.publish(regarding(machine), { type: "Warning", reason, message })
})
