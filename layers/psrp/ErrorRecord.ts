/** A PowerShell error record (MS-PSRP §2.2.3.15), with the parts that tell what failed. */
import { bag, integerOf, isObject, property, textOf } from "./PsObject.ts"
import type { PsObject, PsValue } from "./PsValue.ts"

export interface ErrorRecord {
  /** The exception's message. */
  readonly message: string
  /** Text that the thrower put in place of the exception's message. */
  readonly details?: string
  readonly recommendedAction?: string
  /** "ErrorId,Cmdlet": the best key for a machine. */
  readonly fullyQualifiedErrorId: string
  /** .NET types of the exception, most derived first, without the prefix Deserialized. */
  readonly exceptionTypes: ReadonlyArray<string>
  /** Number of the ErrorCategory. */
  readonly category: number
  readonly activity: string
  readonly reason: string
  readonly targetName: string
  readonly targetType: string
  readonly targetObject: PsValue
  readonly scriptStackTrace?: string
}

/** System.Management.Automation.ErrorCategory by number. */
const errorCategories = [
  "NotSpecified",
  "OpenError",
  "CloseError",
  "DeviceError",
  "DeadlockDetected",
  "InvalidArgument",
  "InvalidData",
  "InvalidOperation",
  "InvalidResult",
  "InvalidType",
  "MetadataError",
  "NotImplemented",
  "NotInstalled",
  "ObjectNotFound",
  "OperationStopped",
  "OperationTimeout",
  "SyntaxError",
  "ParserError",
  "PermissionDenied",
  "ResourceBusy",
  "ResourceExists",
  "ResourceUnavailable",
  "ReadError",
  "WriteError",
  "FromStdErr",
  "SecurityError",
  "ProtocolError",
  "ConnectionError",
  "AuthenticationError",
  "LimitsExceeded",
  "QuotaExceeded",
  "NotEnabled"
] as const

export const categoryName = (category: number): string => errorCategories[category] ?? String(category)

const withoutPrefix = (type: string): string => (type.startsWith("Deserialized.") ? type.slice(13) : type)

/** Reads any value as an error record: every part is optional on the wire, and absent text is empty. */
export const errorRecordFromPs = (record: PsValue): ErrorRecord => {
  const exception = property(record, "Exception")
  const text = (name: string): string | undefined => textOf(property(record, name))
  const details = text("ErrorDetails_Message")
  const recommendedAction = text("ErrorDetails_RecommendedAction")
  const scriptStackTrace = text("ErrorDetails_ScriptStackTrace")
  return {
    message: textOf(property(exception, "Message")) ?? textOf(record) ?? textOf(exception) ?? "",
    ...(details === undefined ? {} : { details }),
    ...(recommendedAction === undefined ? {} : { recommendedAction }),
    fullyQualifiedErrorId: text("FullyQualifiedErrorId") ?? "",
    exceptionTypes: isObject(exception) ? exception.typeNames.map(withoutPrefix) : [],
    category: integerOf(property(record, "ErrorCategory_Category")) ?? 0,
    activity: text("ErrorCategory_Activity") ?? "",
    reason: text("ErrorCategory_Reason") ?? "",
    targetName: text("ErrorCategory_TargetName") ?? "",
    targetType: text("ErrorCategory_TargetType") ?? "",
    targetObject: property(record, "TargetObject") ?? null,
    ...(scriptStackTrace === undefined ? {} : { scriptStackTrace })
  }
}

/** The record as a server serializes it, without invocation info. */
export const errorRecordToPs = (record: ErrorRecord): PsObject => {
  const shown = record.details ?? record.message
  const exception: PsObject = {
    _tag: "Object",
    typeNames: record.exceptionTypes,
    text: `${record.exceptionTypes[0] ?? "System.Exception"}: ${record.message}`,
    adapted: new Map<string, PsValue>([
      ["Message", record.message],
      ["InnerException", null],
      ["HResult", -2146233087]
    ]),
    extended: new Map()
  }
  const properties = bag({
    Exception: exception,
    TargetObject: record.targetObject,
    FullyQualifiedErrorId: record.fullyQualifiedErrorId,
    InvocationInfo: null,
    ErrorCategory_Category: record.category,
    ErrorCategory_Activity: record.activity,
    ErrorCategory_Reason: record.reason,
    ErrorCategory_TargetName: record.targetName,
    ErrorCategory_TargetType: record.targetType,
    ErrorCategory_Message: `${categoryName(record.category)}: (${record.targetName}:${record.targetType}) [${record.activity}], ${record.reason}`,
    ...(record.details === undefined ? {} : { ErrorDetails_Message: record.details }),
    ...(record.recommendedAction === undefined ? {} : { ErrorDetails_RecommendedAction: record.recommendedAction }),
    SerializeExtendedInfo: false,
    ...(record.scriptStackTrace === undefined ? {} : { ErrorDetails_ScriptStackTrace: record.scriptStackTrace })
  })
  return {
    ...properties,
    typeNames: ["System.Management.Automation.ErrorRecord", "System.Object"],
    text: shown
  }
}
