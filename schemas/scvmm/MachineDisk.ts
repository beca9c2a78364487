/** The disks of a machine. */
import * as Schema from "effect/Schema"
import { defaulted, optional, required } from "../kube/Field.ts"
import { Quantity } from "./Quantity.ts"
import { LocalReference } from "./Reference.ts"

const PersistentDiskClaim = Schema.Struct({
  pool: required(LocalReference, "ScvmmPersistentDiskPool that the disk is taken from."),
  disk: optional(LocalReference, "ScvmmPersistentDisk that was taken; filled in by the operator.")
})

/** An entry without size, vhDisk and persistentDisk creates nothing: it holds the place of the template's disk. */
export const MachineDisk = Schema.Struct({
  size: optional(Quantity, "Size; a library disk that is smaller is grown to it, none is ever shrunk."),
  dynamic: defaulted(Schema.Boolean, true, "Whether a blank disk grows on demand; false allocates all of it."),
  vhDisk: optional(Schema.String, "Virtual hard disk of the library, by name, that the disk is a copy of."),
  volumeType: optional(
    Schema.Literals(["Boot", "System", "BootAndSystem", "None"]),
    "Volume type; unset means BootAndSystem for the first disk, System (generation 2) or None (generation 1) for others."
  ),
  storageQoSPolicy: optional(Schema.String, "Storage QoS policy by name; applied at creation."),
  iopsMaximum: optional(Quantity, "Upper limit of normalised IOPS; unset leaves the limit alone."),
  persistentDisk: optional(PersistentDiskClaim, "Disk that outlives the machine, taken from a pool.")
}).annotate({ description: "A disk; its place in the list is its LUN." })
export type MachineDisk = typeof MachineDisk.Type
