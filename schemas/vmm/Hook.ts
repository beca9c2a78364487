/** Functions that a provider may bring along in spec.extraFunctions, and that the operator calls by name. */
import * as Schema from "effect/Schema"
import { Networking } from "../scvmm/Networking.ts"
import type { Verb } from "./Verb.ts"

/** spec and metadata of the ScvmmMachine as JSON, as the predecessor gave them. */
const Parameters = Schema.Struct({ spec: Schema.String, metadata: Schema.String })

/**
 * One JSON object: fields of ScvmmMachine.spec, of which `networking` counts and is taken whole, since the VM exists by then; or
 * a non-empty Error with its Message.
 */
const Answer = Schema.Struct({
  Error: Schema.optionalKey(Schema.Unknown),
  Message: Schema.optionalKey(Schema.NullOr(Schema.String)),
  networking: Schema.optionalKey(Schema.NullOr(Networking))
})

/** Called while the VM is off, before its medium is made: addresses from a site's own management. */
export const AddVMSpec: Verb<typeof Parameters.Type, typeof Answer.Type> = {
  name: "AddVMSpec",
  parameters: Parameters as unknown as Schema.Codec<typeof Parameters.Type, unknown>,
  answer: Answer as unknown as Schema.Codec<typeof Answer.Type, unknown>,
  effect: "mutation"
}
