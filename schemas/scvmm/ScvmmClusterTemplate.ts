/** ScvmmClusterTemplate: what a ClusterClass clones ScvmmClusters from (contract §1.C). */
import * as Schema from "effect/Schema"
import { optional, required } from "../kube/Field.ts"
import { ClusterSpec } from "./ClusterSpec.ts"
import { ageColumn, customResource } from "./CustomResource.ts"
import { TemplateMetadata } from "./Reference.ts"

const Spec = Schema.Struct({
  template: required(
    Schema.Struct({
      metadata: optional(TemplateMetadata, "Metadata of the clusters."),
      spec: required(ClusterSpec, "Spec of the clusters.")
    }),
    "Template of the clusters."
  )
})

/** Nothing is observed of a template; the record keeps what is there. */
const Status = Schema.Record(Schema.String, Schema.Unknown)

export const ScvmmClusterTemplate = customResource({
  kind: "ScvmmClusterTemplate",
  shortName: "scvmmct",
  description: "ScvmmClusterTemplate is the template that ScvmmClusters are cloned from.",
  role: "contract",
  spec: Spec.annotate({ description: "What the clusters should be." }),
  status: Status.annotate({ description: "Nothing is observed of a template." }),
  columns: [ageColumn],
  permissions: { object: ["get", "list", "watch"], status: [], finalizers: false }
})
export type ScvmmClusterTemplate = typeof ScvmmClusterTemplate.schema.Type
