/** status of ScvmmMachine: what was seen, all of it derivable again from SCVMM (contract rules 63, 86). */
import * as Schema from "effect/Schema"
import { int32, listMap, optional, required, text, timestamp } from "../kube/Field.ts"
import { conditions, initialization } from "./Conditions.ts"
import { Quantity } from "./Quantity.ts"
import { MachineAddress, ProviderReference } from "./Reference.ts"

const Backoff = Schema.Struct({
  reason: optional(Schema.String, "Reason of the step that is repeated."),
  try: optional(int32, "How often it was tried again."),
  wait: optional(int32, "How often it was waited for.")
})

const Creation = Schema.Struct({
  execHost: required(Schema.String, "Host whose PowerShell session runs the creation."),
  shellId: required(Schema.String, "Shell of that session."),
  startedAt: required(timestamp, "When the attempt began.")
})
export type Creation = typeof Creation.Type

const Job = Schema.Struct({
  id: optional(Schema.String, "ID of the job in VMM; a call that VMM makes no job of has none."),
  cmdlet: optional(Schema.String, "Cmdlet that started it, or the operator's function that runs."),
  progress: optional(
    int32.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
    "Progress in percent, in steps of 25."
  ),
  startedAt: optional(timestamp, "When it started.")
})

const Drift = Schema.Struct({
  field: required(Schema.String, "Field of the spec."),
  want: required(Schema.String, "What the spec says."),
  found: required(Schema.String, "What the VM has."),
  since: required(timestamp, "Since when.")
}).annotate({ description: "A field in which the VM differs from the spec and that is not changed on a live VM." })

const Placement = Schema.Struct({
  cloud: optional(Schema.String, "Cloud by name."),
  hostGroup: optional(Schema.String, "Host group by name.")
})

export const MachineStatus = Schema.Struct({
  initialization,
  vmStatus: optional(Schema.String, "Status of the VM as VMM names it."),
  biosGuid: optional(Schema.String, "BIOS GUID of the VM."),
  creationTime: optional(timestamp, "When the VM was created."),
  modifiedTime: optional(timestamp, "When the VM was last changed."),
  hostname: optional(Schema.String, "Host name of the guest."),
  addresses: optional(Schema.Array(MachineAddress).check(Schema.isMaxLength(256)), "Addresses of the guest."),
  conditions,
  backoff: optional(Backoff, "Repetition of a step by versions up to 0.7; no longer written."),
  failureDomain: optional(text(1, 256), "Failure domain that the VM was placed in."),
  host: optional(Schema.String, "Hyper-V host that the VM is on."),
  placement: optional(
    Placement,
    "Cloud and host group that the VM was placed in, after the failure domain was looked up."
  ),
  providerRef: optional(ProviderReference, "ScvmmProvider that was found for the machine."),
  creation: optional(Creation, "Attempt to create the VM that is under way; `clusterctl move` waits while it is set."),
  job: optional(Job, "Job of VMM that runs on the VM, or the operator's call that makes or seeds it."),
  drift: optional(listMap(Drift, "field"), "Differences between spec and VM."),
  capacity: optional(Schema.Record(Schema.String, Quantity), "Capacity of the VM: cpu and memory.")
})
export type MachineStatus = typeof MachineStatus.Type
