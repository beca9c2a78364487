/** cluster.x-k8s.io/v1beta2 Machine: the part that an infrastructure provider reads. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { clusterResource, ContractVersionedReference } from "./Reference.ts"

const Spec = Schema.Struct({
  clusterName: Schema.optionalKey(Schema.String),
  bootstrap: Schema.Struct({
    dataSecretName: Schema.optionalKey(Schema.String),
    configRef: Schema.optionalKey(ContractVersionedReference)
  }).pipe(Schema.withDecodingDefaultKey(Effect.succeed({}))),
  infrastructureRef: Schema.optionalKey(ContractVersionedReference),
  version: Schema.optionalKey(Schema.String),
  providerID: Schema.optionalKey(Schema.String),
  failureDomain: Schema.optionalKey(Schema.String)
})

/** Kept in memory for every Machine there is: nothing in it that nobody reads. */
const Status = Schema.Struct({
  nodeRef: Schema.optionalKey(Schema.Struct({ name: Schema.optionalKey(Schema.String) }))
})

/** spec, spec.bootstrap and status are always there, possibly empty. */
export const Machine = clusterResource("Machine", "machines", Spec, Status)
export type Machine = typeof Machine.schema.Type
