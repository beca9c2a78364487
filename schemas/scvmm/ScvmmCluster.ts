/** ScvmmCluster: the infrastructure that the machines of one Cluster share (contract §1.B). */
import * as Schema from "effect/Schema"
import { optional, required, stringMap, text } from "../kube/Field.ts"
import { ClusterSpec } from "./ClusterSpec.ts"
import { conditions, initialization } from "./Conditions.ts"
import { ageColumn, customResource, readyColumn } from "./CustomResource.ts"
import { boundedListMap } from "./Reference.ts"

const FailureDomain = Schema.Struct({
  name: required(text(1, 256), "Name of the failure domain."),
  controlPlane: optional(Schema.Boolean, "Whether control-plane machines may be placed here."),
  attributes: optional(stringMap, "cloud and hostGroup.")
}).annotate({ description: "A failure domain as Cluster API reads it." })

const Status = Schema.Struct({
  initialization,
  failureDomains: optional(
    boundedListMap(FailureDomain, "name", 100),
    "Failure domains of the spec, sorted by name, for Cluster API to spread machines over."
  ),
  conditions
})

/** Versions up to 0.6 stored a map, which Cluster API can no longer read (checklist 3, contract rule 24). */
const healStatus = (status: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => {
  const domains = status["failureDomains"]
  if (typeof domains !== "object" || domains === null || Array.isArray(domains)) return status
  return {
    ...status,
    failureDomains: Object.entries(domains)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, domain]: readonly [string, unknown]) => ({
        ...(typeof domain === "object" && domain !== null ? domain : {}),
        name
      }))
  }
}

export const ScvmmCluster = customResource({
  kind: "ScvmmCluster",
  shortName: "scvmmc",
  description: "ScvmmCluster is the infrastructure that the machines of one Cluster share.",
  role: "contract",
  spec: ClusterSpec.annotate({ description: "What the infrastructure should be." }),
  status: Status.annotate({ description: "What was seen of the infrastructure." }),
  healStatus,
  columns: [
    readyColumn,
    {
      name: "ENDPOINT",
      type: "string",
      jsonPath: ".spec.controlPlaneEndpoint.host",
      description: "Host of the control-plane endpoint"
    },
    {
      name: "PROVIDER",
      type: "string",
      jsonPath: ".spec.providerRef.name",
      description: "ScvmmProvider of the machines",
      priority: 1
    },
    ageColumn
  ],
  permissions: { object: ["get", "list", "watch", "patch"], status: ["get", "patch"], finalizers: true }
})
export type ScvmmCluster = typeof ScvmmCluster.schema.Type
