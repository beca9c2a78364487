/** ScvmmMachineTemplate: what Cluster API clones ScvmmMachines from (contract §1.E). */
import * as Schema from "effect/Schema"
import { optional, required } from "../kube/Field.ts"
import { ageColumn, customResource } from "./CustomResource.ts"
import { MachineSpec } from "./MachineSpec.ts"
import { Quantity } from "./Quantity.ts"
import { TemplateMetadata } from "./Reference.ts"

const Spec = Schema.Struct({
  template: required(
    Schema.Struct({
      metadata: optional(TemplateMetadata, "Metadata of the machines."),
      spec: required(MachineSpec, "Spec of the machines.")
    }),
    "Template of the machines."
  )
})

const NodeInfo = Schema.Struct({
  architecture: optional(Schema.Literals(["amd64", "arm64", "s390x", "ppc64le"]), "Architecture of the nodes."),
  operatingSystem: optional(Schema.Literals(["linux", "windows"]), "Operating system of the nodes.")
})

const Status = Schema.Struct({
  capacity: optional(
    Schema.Record(Schema.String, Quantity),
    "Capacity of a machine of this template, with which the autoscaler scales up from zero."
  ),
  nodeInfo: optional(NodeInfo, "What the nodes of this template are.")
})

export const ScvmmMachineTemplate = customResource({
  kind: "ScvmmMachineTemplate",
  shortName: "scvmmmt",
  description: "ScvmmMachineTemplate is the template that ScvmmMachines are cloned from.",
  role: "contract",
  spec: Spec.annotate({ description: "What the machines should be." }),
  status: Status.annotate({ description: "What a machine of this template offers." }),
  columns: [ageColumn],
  permissions: { object: ["get", "list", "watch"], status: ["get", "patch"], finalizers: false }
})
export type ScvmmMachineTemplate = typeof ScvmmMachineTemplate.schema.Type
