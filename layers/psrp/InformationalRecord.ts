/** Debug, verbose, warning, information and progress records (MS-PSRP §2.2.2.22–26). */
import { type MessageBody, MessageType } from "./Message.ts"
import { bag, enumeration, integerOf, itemsOf, property, textOf } from "./PsObject.ts"
import type { PsObject, PsValue } from "./PsValue.ts"

const informational = (kind: string, message: string): PsObject => ({
  ...bag({ InformationalRecord_Message: message, InformationalRecord_SerializeInvocationInfo: false }),
  typeNames: [
    `System.Management.Automation.${kind}`,
    "System.Management.Automation.InformationalRecord",
    "System.Object"
  ],
  text: message
})

export const debugRecord = (message: string): MessageBody => ({
  type: MessageType.DebugRecord,
  data: informational("DebugRecord", message)
})
export const verboseRecord = (message: string): MessageBody => ({
  type: MessageType.VerboseRecord,
  data: informational("VerboseRecord", message)
})
export const warningRecord = (message: string): MessageBody => ({
  type: MessageType.WarningRecord,
  data: informational("WarningRecord", message)
})

/** The text of a debug, verbose or warning record. */
export const readInformational = (data: PsValue): string =>
  textOf(property(data, "InformationalRecord_Message")) ?? textOf(data) ?? ""

export interface InformationRecord {
  /** What Write-Information was given; HostInformationMessage for Write-Host. */
  readonly messageData: PsValue
  readonly source: string
  readonly tags: ReadonlyArray<string>
}

/** When and where a record was made. */
export interface Origin {
  /** ISO 8601. */
  readonly timeGenerated: string
  readonly user: string
  readonly computer: string
}

const number = (value: number): PsValue => ({ _tag: "Scalar", type: "UInt32", text: String(value) })

export const informationRecord = (record: InformationRecord, origin: Origin): MessageBody => ({
  type: MessageType.InformationRecord,
  data: bag({
    MessageData: record.messageData,
    Source: record.source,
    TimeGenerated: { _tag: "Scalar", type: "DateTime", text: origin.timeGenerated },
    Tags: {
      _tag: "List",
      kind: "List",
      typeNames: ["System.Collections.Generic.List`1[[System.String]]", "System.Object"],
      items: [...record.tags]
    },
    User: origin.user,
    Computer: origin.computer,
    ProcessId: number(0),
    NativeThreadId: number(0),
    ManagedThreadId: number(0)
  })
})

export const readInformation = (data: PsValue): InformationRecord => ({
  messageData: property(data, "MessageData") ?? null,
  source: textOf(property(data, "Source")) ?? "",
  tags: itemsOf(property(data, "Tags")).map((tag) => textOf(tag) ?? "")
})

export interface ProgressRecord {
  readonly activity: string
  readonly activityId: number
  readonly parentActivityId: number
  readonly statusDescription: string
  readonly currentOperation?: string
  /** 0 to 100, or -1 for unknown. */
  readonly percentComplete: number
  /** -1 for unknown. */
  readonly secondsRemaining: number
  readonly completed: boolean
}

export const progressRecord = (record: ProgressRecord): MessageBody => ({
  type: MessageType.ProgressRecord,
  data: bag({
    Activity: record.activity,
    ActivityId: record.activityId,
    StatusDescription: record.statusDescription,
    CurrentOperation: record.currentOperation ?? null,
    ParentActivityId: record.parentActivityId,
    PercentComplete: record.percentComplete,
    Type: enumeration(
      "System.Management.Automation.ProgressRecordType",
      record.completed ? "Completed" : "Processing",
      record.completed ? 1 : 0
    ),
    SecondsRemaining: record.secondsRemaining
  })
})

export const readProgress = (data: PsValue): ProgressRecord => {
  const currentOperation = textOf(property(data, "CurrentOperation"))
  return {
    activity: textOf(property(data, "Activity")) ?? "",
    activityId: integerOf(property(data, "ActivityId")) ?? 0,
    parentActivityId: integerOf(property(data, "ParentActivityId")) ?? -1,
    statusDescription: textOf(property(data, "StatusDescription")) ?? "",
    ...(currentOperation === undefined ? {} : { currentOperation }),
    percentComplete: integerOf(property(data, "PercentComplete")) ?? -1,
    secondsRemaining: integerOf(property(data, "SecondsRemaining")) ?? -1,
    completed: integerOf(property(data, "Type")) === 1
  }
}
