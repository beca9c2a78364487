/** What a PowerShellHost reports, as the PSRP messages that Windows PowerShell would send. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import {
  debugRecord,
  informationRecord,
  progressRecord,
  verboseRecord,
  warningRecord
} from "../../../layers/psrp/InformationalRecord.ts"
import type { MessageBody } from "../../../layers/psrp/Message.ts"
import { errorRecord, pipelineOutput } from "../../../layers/psrp/PipelineMessage.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import type { Failure, Streams } from "./PowerShellHost.ts"

const exceptionTypes = (type: string): ReadonlyArray<string> => [
  ...new Set([type, "System.SystemException", "System.Exception", "System.Object"])
]

export const failureRecord = (failure: Failure): ErrorRecord => ({
  message: failure.message,
  fullyQualifiedErrorId: failure.fullyQualifiedErrorId,
  exceptionTypes: exceptionTypes(failure.exceptionType),
  category: failure.category,
  activity: failure.activity,
  reason: failure.reason,
  targetName: typeof failure.targetObject === "string" ? failure.targetObject : "",
  targetType: typeof failure.targetObject === "string" ? "String" : "",
  targetObject: failure.targetObject
})

/** Why a stopped pipeline ended (recorded from PowerShell). */
export const stoppedRecord: ErrorRecord = {
  message: "The pipeline has been stopped.",
  fullyQualifiedErrorId: "PipelineStopped",
  exceptionTypes: [
    "System.Management.Automation.PipelineStoppedException",
    "System.Management.Automation.RuntimeException",
    "System.SystemException",
    "System.Exception",
    "System.Object"
  ],
  category: 14,
  activity: "",
  reason: "PipelineStoppedException",
  targetName: "",
  targetType: "",
  targetObject: null
}

/** The host itself broke: no fault of the caller. */
export const defectRecord: ErrorRecord = {
  message: "The simulated PowerShell host failed; its log says why.",
  fullyQualifiedErrorId: "SimulatorDefect",
  exceptionTypes: ["System.Management.Automation.PSInvalidOperationException", "System.Exception", "System.Object"],
  category: 0,
  activity: "",
  reason: "PSInvalidOperationException",
  targetName: "",
  targetType: "",
  targetObject: null
}

/** Streams whose every item becomes a message. */
export const streamsTo = (
  send: (body: MessageBody) => Effect.Effect<void>,
  input: Stream.Stream<PsValue>,
  user: string
): Streams => ({
  input,
  output: (value) => send(pipelineOutput(value)),
  error: (failure) => send(errorRecord(failureRecord(failure))),
  warning: (message) => send(warningRecord(message)),
  verbose: (message) => send(verboseRecord(message)),
  debug: (message) => send(debugRecord(message)),
  information: (messageData, tags) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      send(
        informationRecord(
          { messageData, source: "", tags },
          { timeGenerated: new Date(now).toISOString(), user, computer: "EXEC1" }
        )
      )
    ),
  progress: (activity, status, percentComplete) =>
    send(
      progressRecord({
        activity,
        activityId: 0,
        parentActivityId: -1,
        statusDescription: status,
        percentComplete,
        secondsRemaining: -1,
        completed: percentComplete >= 100
      })
    )
})
