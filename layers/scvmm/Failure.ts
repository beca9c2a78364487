/** Error records of VMM, PowerShell and our functions as typed errors: pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ErrorId } from "../../schemas/vmm/Verb.ts"
import type { ErrorRecord } from "../psrp/ErrorRecord.ts"
import {
  CreateRefused,
  ReferenceUnresolved,
  type ScvmmError,
  VirtualMachineNotFound,
  VirtualMachineNotOwned,
  VmmFailure
} from "./ScvmmError.ts"

const Target = Schema.fromJsonString(
  Schema.Struct({
    Id: Schema.optionalKey(Schema.String),
    Field: Schema.optionalKey(Schema.String),
    Value: Schema.optionalKey(Schema.String),
    Candidates: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
  })
)
type Target = typeof Target.Type

const noTarget: Target = {}

const targetOf = (record: ErrorRecord): Target =>
  typeof record.targetObject === "string"
    ? Option.getOrElse(Schema.decodeUnknownOption(Target)(record.targetObject), () => noTarget)
    : noTarget

/** Longest text of a record that we keep: some carry stacks of several kilobytes. */
const longest = 2000

/** VMM appends how to restart the job in its console, which only distracts. */
const textOf = (record: ErrorRecord): string => {
  const text = record.details ?? record.message
  const end = text.indexOf("To restart the job, run the following command")
  return (end < 0 ? text : text.slice(0, end)).trim().slice(0, longest)
}

/** "640,Microsoft.…NewNICCmdlet" → 640. The text is localized, the number is not (scvmm-domain (c)6). */
const codeOf = (errorId: string): number | undefined => {
  const digits = /^\d{1,9}(?=,|$)/u.exec(errorId)?.[0]
  return digits === undefined ? undefined : Number(digits)
}

/**
 * What a record of `functionName` means: our own ids (schemas/vmm/Verb.ts) as their errors, VMM's numbers and everything
 * else as VmmFailure. `id` is the VM that the call named, for records that do not say.
 */
export const fromErrorRecord = (functionName: string, record: ErrorRecord, id = ""): ScvmmError => {
  const detail = textOf(record)
  const [errorId = ""] = record.fullyQualifiedErrorId.split(",")
  const target = targetOf(record)
  switch (errorId) {
    case ErrorId.referenceNotFound:
    case ErrorId.referenceAmbiguous:
      return new ReferenceUnresolved({
        reason: errorId === ErrorId.referenceNotFound ? "NotFound" : "Ambiguous",
        field: target.Field ?? "",
        value: target.Value ?? "",
        candidates: target.Candidates ?? []
      })
    case ErrorId.virtualMachineNotFound:
      return new VirtualMachineNotFound({ id: target.Id ?? id })
    case ErrorId.virtualMachineNotOwned:
      return new VirtualMachineNotOwned({ id: target.Id ?? id, detail })
    case ErrorId.virtualMachineExists:
      return new CreateRefused({ reason: "VirtualMachineExists", detail })
    case ErrorId.commitWindowElapsed:
      return new CreateRefused({ reason: "CommitWindowElapsed", detail })
    default: {
      const code = codeOf(record.fullyQualifiedErrorId)
      return new VmmFailure({
        function: functionName,
        errorId: record.fullyQualifiedErrorId,
        ...(code !== undefined && { code }),
        detail
      })
    }
  }
}
