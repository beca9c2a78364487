/** spec of ScvmmPersistentDisk, and of the template in its pool. */
import * as Schema from "effect/Schema"
import { defaulted, optional, required } from "../kube/Field.ts"
import { Quantity } from "./Quantity.ts"
import { ProviderReference } from "./Reference.ts"

const ClaimRef = Schema.Struct({
  name: required(Schema.String, "Name of the ScvmmMachine."),
  uid: required(Schema.String, "UID of the ScvmmMachine.")
})

export const PersistentDiskSpec = Schema.Struct({
  path: optional(Schema.String, "Directory of the file on the host; written by the operator."),
  filename: optional(Schema.String, "Name of the file, with extension."),
  vmHost: optional(Schema.String, "Hyper-V host of the file; set means that the file exists."),
  size: required(Quantity, "Size of the disk."),
  dynamic: defaulted(Schema.Boolean, true, "Whether the disk grows on demand; false allocates all of it."),
  providerRef: optional(ProviderReference, "ScvmmProvider of the disk; follows the machine that claims it."),
  claimRef: optional(ClaimRef, "ScvmmMachine that has the disk; written by the operator.")
})
export type PersistentDiskSpec = typeof PersistentDiskSpec.Type
