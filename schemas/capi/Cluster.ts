/** cluster.x-k8s.io/v1beta2 Cluster: the part that an infrastructure provider reads. */
import * as Schema from "effect/Schema"
import { Condition } from "../kube/Condition.ts"
import { clusterResource, ContractVersionedReference } from "./Reference.ts"

const Spec = Schema.Struct({
  paused: Schema.optionalKey(Schema.Boolean),
  controlPlaneEndpoint: Schema.optionalKey(
    Schema.Struct({ host: Schema.optionalKey(Schema.String), port: Schema.optionalKey(Schema.Int) })
  ),
  infrastructureRef: Schema.optionalKey(ContractVersionedReference),
  controlPlaneRef: Schema.optionalKey(ContractVersionedReference)
})

const Status = Schema.Struct({
  initialization: Schema.optionalKey(
    Schema.Struct({
      infrastructureProvisioned: Schema.optionalKey(Schema.Boolean),
      controlPlaneInitialized: Schema.optionalKey(Schema.Boolean)
    })
  ),
  phase: Schema.optionalKey(Schema.String),
  conditions: Schema.optionalKey(Schema.Array(Condition))
})

/** spec and status are always there, possibly empty. */
export const Cluster = clusterResource("Cluster", "clusters", Spec, Status)
export type Cluster = typeof Cluster.schema.Type
