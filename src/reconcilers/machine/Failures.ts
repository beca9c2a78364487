/** What an error means for a ScvmmMachine's conditions, and whether an attempt that met it may have left a VM: pure. */
import type { Finding } from "../../../schemas/kube/Condition.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import type { CallError } from "./MachineContext.ts"
import { available, failed, unavailable } from "./Conditions.ts"

/** The reason that conditions and Events carry. */
export const reasonOf = (error: ScvmmError): string => {
  switch (error._tag) {
    case "ScvmmReferenceUnresolved":
      return error.reason === "NotFound" ? "ReferenceNotFound" : "ReferenceAmbiguous"
    case "ScvmmVirtualMachineNotFound":
      return "VirtualMachineNotFound"
    case "ScvmmVirtualMachineNotOwned":
      return "VirtualMachineNotOwned"
    case "ScvmmCreateRefused":
      return error.reason
    case "ScvmmFailure":
      return typeof error.retry === "object" ? "VirtualMachineLocked" : "VmFailed"
    case "ScvmmAuthenticationFailed":
      return "AuthenticationFailed"
    case "ScvmmHostUnavailable":
      return error.reason
    case "ScvmmSessionLost":
      return "SessionLost"
    case "ScvmmOutcomeUnknown":
      return "OutcomeUnknown"
    case "ScvmmAnswerInvalid":
      return "AnswerInvalid"
  }
}

export const findingsOf = (
  error: ScvmmError,
  at: { readonly deletion: boolean; readonly exists: boolean }
): ReadonlyArray<Finding> =>
  error._tag === "ScvmmAuthenticationFailed" || error._tag === "ScvmmHostUnavailable"
    ? unavailable(reasonOf(error), error.message)
    : [available, ...failed(reasonOf(error), error.message, at)]

/** After these nothing of the attempt can be in VMM; after all others its VM is looked for. */
export const leftNothing = (error: ScvmmError): boolean =>
  error._tag === "ScvmmReferenceUnresolved" ||
  error._tag === "ScvmmAuthenticationFailed" ||
  error._tag === "ScvmmHostUnavailable" ||
  (error._tag === "ScvmmCreateRefused" && (error.reason === "CommitWindowElapsed" || error.reason === "IntentLate"))

/**
 * Whether the attempt that is recorded after this error needs no more waiting: its answer was seen, or its command never
 * left. Superseded means that another replica recorded it, whose command may be on its way.
 */
export const sawEnd = (error: CallError): boolean =>
  error._tag !== "ScvmmOutcomeUnknown" && !(error._tag === "ScvmmCreateRefused" && error.reason === "Superseded")

const isScvmmTag = (tag: string): boolean => tag.startsWith("Scvmm")

export const isScvmmError = (error: { readonly _tag: string }): error is ScvmmError => isScvmmTag(error._tag)
