/** cluster.x-k8s.io/v1beta2 Machine: the part that an infrastructure provider reads. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Condition } from "../kube/Condition.ts"
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

const Status = Schema.Struct({
  nodeRef: Schema.optionalKey(Schema.Struct({ name: Schema.optionalKey(Schema.String) })),
  phase: Schema.optionalKey(Schema.String),
  initialization: Schema.optionalKey(
    Schema.Struct({
      infrastructureProvisioned: Schema.optionalKey(Schema.Boolean),
      bootstrapDataSecretCreated: Schema.optionalKey(Schema.Boolean)
    })
  ),
  conditions: Schema.optionalKey(Schema.Array(Condition))
})

/** spec, spec.bootstrap and status are always there, possibly empty. */
export const Machine = clusterResource("Machine", "machines", Spec, Status)
export type Machine = typeof Machine.schema.Type
