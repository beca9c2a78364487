/** ScvmmNamePool: ranges of VM names, and who has which. */
import * as Schema from "effect/Schema"
import { optional, required, stringMap } from "../kube/Field.ts"
import { conditions } from "./Conditions.ts"
import { customResource } from "./CustomResource.ts"

const Range = Schema.Struct({
  start: optional(Schema.String, "First name; the same as from."),
  end: optional(Schema.String, "Last name; without one the range is the first name alone. The same as to."),
  from: optional(Schema.String, "First name; the same as start, of which exactly one is given."),
  to: optional(Schema.String, "Last name; the same as end, of which at most one is given."),
  postfix: optional(Schema.String, "Text that is appended to each name.")
}).annotate({ description: "A range of names: the last letters and digits are counted up, the width stays." })
export type NameRange = typeof Range.Type

const Spec = Schema.Struct({
  vmNameRanges: required(Schema.Array(Range), "Ranges in the order in which they are used.")
})

const Status = Schema.Struct({
  vmNameOwners: optional(stringMap, "ScvmmMachine that has a name, by VM name."),
  owners: optional(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        machine: required(Schema.String, "Name of the ScvmmMachine."),
        uid: required(Schema.String, "UID of the ScvmmMachine.")
      }).annotate({ description: "Who has a name." })
    ),
    "Owners with their UIDs, by VM name, beside vmNameOwners."
  ),
  counts: optional(
    Schema.Struct({
      total: required(Schema.Int, "Number of names."),
      free: required(Schema.Int, "Number of free names."),
      used: required(Schema.Int, "Number of names in use.")
    }),
    "Counts of names."
  ),
  conditions
})

export const ScvmmNamePool = customResource({
  kind: "ScvmmNamePool",
  shortName: "scvmmnp",
  description: "ScvmmNamePool gives names to virtual machines.",
  role: "move",
  spec: Spec.annotate({ description: "The names of the pool." }),
  status: Status.annotate({ description: "Who has which name." }),
  columns: [
    { name: "Total", type: "integer", jsonPath: ".status.counts.total", description: "Number of names" },
    { name: "Free", type: "integer", jsonPath: ".status.counts.free", description: "Number of free names" },
    { name: "Used", type: "integer", jsonPath: ".status.counts.used", description: "Number of names in use" }
  ],
  permissions: { object: ["get", "list", "watch"], status: ["get", "patch"], finalizers: false }
})
export type ScvmmNamePool = typeof ScvmmNamePool.schema.Type
