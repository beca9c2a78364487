/** status.conditions of our kinds: strict metav1.Condition in the CRD, older shapes when decoded (contract rules 25, 27). */
import * as Schema from "effect/Schema"
import { Condition, Status } from "../kube/Condition.ts"
import { extend, int64, listMap, optional, required, text, timestamp } from "../kube/Field.ts"
import { showing } from "../Structural.ts"

const typePattern =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/u
const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/u

const Strict = Schema.Struct({
  type: required(
    Schema.String.check(Schema.isMaxLength(316), Schema.isPattern(typePattern)),
    "Type of condition in CamelCase."
  ),
  status: required(Status, "Status of the condition: True, False or Unknown."),
  reason: required(
    text(1, 1024).check(Schema.isPattern(reasonPattern)),
    "Programmatic identifier of the reason for the last transition, in CamelCase."
  ),
  message: required(
    Schema.String.check(Schema.isMaxLength(32_768)),
    "Details of the transition for people; may be empty."
  ),
  lastTransitionTime: required(timestamp, "When the condition last went from one status to another."),
  observedGeneration: optional(
    int64.check(Schema.isGreaterThanOrEqualTo(0)),
    "metadata.generation that the condition was set for."
  )
}).annotate({ description: "One aspect of the object's current state." })

export const conditions = optional(
  showing(Schema.Array(Condition), listMap(Strict, "type").check(Schema.isMaxLength(32))),
  "Conditions of the object; Ready sums them up."
)

/** status.initialization: contract rules 22 and 52. */
export const initialization = optional(
  extend(
    Schema.Struct({
      provisioned: optional(Schema.Boolean, "True once the infrastructure is provisioned; never taken back.")
    }),
    { minProperties: 1 }
  ),
  "Observations of the initial provisioning, read by Cluster API."
)
