/** cluster.x-k8s.io/v1beta2 MachineDeployment: the part that a live view and tests read. */
import * as Schema from "effect/Schema"
import { Condition } from "../kube/Condition.ts"
import { clusterResource, ContractVersionedReference } from "./Reference.ts"

const Spec = Schema.Struct({
  clusterName: Schema.optionalKey(Schema.String),
  replicas: Schema.optionalKey(Schema.Int),
  template: Schema.optionalKey(
    Schema.Struct({
      metadata: Schema.optionalKey(
        Schema.Struct({
          labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
          annotations: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
        })
      ),
      spec: Schema.optionalKey(
        Schema.Struct({
          version: Schema.optionalKey(Schema.String),
          failureDomain: Schema.optionalKey(Schema.String),
          bootstrap: Schema.optionalKey(
            Schema.Struct({
              dataSecretName: Schema.optionalKey(Schema.String),
              configRef: Schema.optionalKey(ContractVersionedReference)
            })
          ),
          infrastructureRef: Schema.optionalKey(ContractVersionedReference)
        })
      )
    })
  )
})

const Status = Schema.Struct({
  replicas: Schema.optionalKey(Schema.Int),
  readyReplicas: Schema.optionalKey(Schema.Int),
  availableReplicas: Schema.optionalKey(Schema.Int),
  upToDateReplicas: Schema.optionalKey(Schema.Int),
  conditions: Schema.optionalKey(Schema.Array(Condition))
})

/** spec and status are always there, possibly empty. */
export const MachineDeployment = clusterResource("MachineDeployment", "machinedeployments", Spec, Status)
export type MachineDeployment = typeof MachineDeployment.schema.Type
