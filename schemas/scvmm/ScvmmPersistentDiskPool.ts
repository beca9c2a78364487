/** ScvmmPersistentDiskPool: makes persistent disks and lends them to machines. */
import * as Schema from "effect/Schema"
import { defaulted, int64, optional, required } from "../kube/Field.ts"
import { conditions } from "./Conditions.ts"
import { ageColumn, customResource } from "./CustomResource.ts"
import { PersistentDiskSpec } from "./PersistentDiskSpec.ts"
import { LabelSelector, TemplateMetadata } from "./Reference.ts"

const Spec = Schema.Struct({
  maxDisks: optional(int64, "Most disks, and highest number of one; unset means no limit."),
  selector: required(LabelSelector, "Disks of the pool; the labels of the template must match."),
  template: required(
    Schema.Struct({
      metadata: optional(TemplateMetadata, "Metadata of the disks."),
      spec: required(PersistentDiskSpec, "Spec of the disks; filename may hold one %d, the number of the disk.")
    }),
    "Template of the disks."
  ),
  reclaimPolicy: defaulted(
    Schema.Literals(["Retain", "Delete"]),
    "Retain",
    "What becomes of the disks when the pool is deleted."
  )
})

const Status = Schema.Struct({
  instances: optional(int64, "Number of disks."),
  conditions
})

export const ScvmmPersistentDiskPool = customResource({
  kind: "ScvmmPersistentDiskPool",
  shortName: "scvmmpdp",
  description: "ScvmmPersistentDiskPool makes persistent disks and lends them to machines.",
  role: "move-hierarchy",
  spec: Spec.annotate({ description: "The disks of the pool." }),
  status: Status.annotate({ description: "What was seen of the pool." }),
  columns: [
    { name: "MAX NUMBER", type: "string", jsonPath: ".spec.maxDisks", description: "Most disks" },
    {
      name: "SIZE",
      type: "string",
      jsonPath: ".spec.template.spec.size",
      description: "Size of a disk",
      priority: 1
    },
    ageColumn
  ],
  permissions: { object: ["get", "list", "watch", "patch"], status: ["get", "patch"], finalizers: true }
})
export type ScvmmPersistentDiskPool = typeof ScvmmPersistentDiskPool.schema.Type
