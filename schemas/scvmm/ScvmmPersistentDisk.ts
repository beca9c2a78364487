/** ScvmmPersistentDisk: a virtual disk that outlives the machines it is attached to. */
import * as Schema from "effect/Schema"
import { optional } from "../kube/Field.ts"
import { conditions } from "./Conditions.ts"
import { ageColumn, customResource } from "./CustomResource.ts"
import { PersistentDiskSpec } from "./PersistentDiskSpec.ts"
import { Quantity } from "./Quantity.ts"

const Status = Schema.Struct({
  size: optional(Quantity, "Bytes that the file occupies."),
  conditions
})

export const ScvmmPersistentDisk = customResource({
  kind: "ScvmmPersistentDisk",
  shortName: "scvmmpd",
  description: "ScvmmPersistentDisk is a virtual disk that outlives the machines it is attached to.",
  role: "move",
  spec: PersistentDiskSpec.annotate({ description: "The disk and where it is." }),
  status: Status.annotate({ description: "What was seen of the disk." }),
  columns: [
    {
      name: "OWNER",
      type: "string",
      jsonPath: ".metadata.ownerReferences[?(@.kind=='ScvmmMachine')].name",
      description: "ScvmmMachine that has the disk"
    },
    { name: "PATH", type: "string", jsonPath: ".spec.path", description: "Directory of the file", priority: 1 },
    { name: "FILENAME", type: "string", jsonPath: ".spec.filename", description: "Name of the file", priority: 1 },
    { name: "SIZE", type: "string", jsonPath: ".spec.size", description: "Size of the disk" },
    { name: "USED", type: "string", jsonPath: ".status.size", description: "Bytes that the file occupies" },
    ageColumn
  ],
  permissions: {
    object: ["create", "delete", "get", "list", "watch", "patch"],
    status: ["get", "patch"],
    finalizers: true
  }
})
export type ScvmmPersistentDisk = typeof ScvmmPersistentDisk.schema.Type
