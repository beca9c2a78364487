/** Calls of the server to the client's PowerShell host (MS-PSRP §2.2.2.27–30); ours has none, so a question is refused. */
import * as Result from "effect/Result"
import { errorRecordToPs } from "./ErrorRecord.ts"
import { type MessageBody, MessageError, MessageType } from "./Message.ts"
import { array, bag, enumeration, integerOf, itemsOf, property, textOf } from "./PsObject.ts"
import type { PsObject, PsValue } from "./PsValue.ts"

export interface HostCall {
  /** Pairs the answer with the call; -100 for calls without one. */
  readonly callId: bigint
  /** RemoteHostMethodId. */
  readonly method: number
  readonly methodName: string
  readonly parameters: ReadonlyArray<PsValue>
}

/** The call id of methods that return nothing. */
const voidCallId = -100n

export const hostCall = (call: HostCall): MessageBody => ({
  type: MessageType.PipelineHostCall,
  data: bag({
    ci: call.callId,
    mi: enumeration("System.Management.Automation.Remoting.RemoteHostMethodId", call.methodName, call.method),
    mp: { ...array(call.parameters), typeNames: ["System.Collections.ArrayList", "System.Object"] }
  })
})

export const readHostCall = (data: PsValue): Result.Result<HostCall, MessageError> => {
  const callId = property(data, "ci")
  const mi = property(data, "mi")
  const method = integerOf(mi)
  if (typeof callId !== "bigint" || method === undefined)
    return Result.fail(new MessageError({ reason: "host call without call or method id" }))
  return Result.succeed({
    callId,
    method,
    methodName: textOf(mi) ?? String(method),
    parameters: itemsOf(property(data, "mp"))
  })
}

/** Whether the server waits for an answer. */
export const expectsAnswer = (call: HostCall): boolean => call.callId !== voidCallId

/** RemoteHostMethodId of what waits for a user: ReadLine…, Prompt…, PromptFor…, ReadKey, PromptForChoiceMultipleSelection. */
const questions: ReadonlySet<number> = new Set([11, 12, 23, 24, 25, 26, 46, 56])

/** Whether a user would have to answer; a call that only looks at the console (GetBufferContents) may be refused in peace. */
export const isQuestion = (call: HostCall): boolean => questions.has(call.method)

/** What a prompt shows: its texts in order, without types, so that an error can quote it. */
export const promptText = (call: HostCall): string =>
  call.parameters.filter((parameter) => typeof parameter === "string" && parameter !== "").join(" ")

/** The refusal of a call, as an exception that the calling command sees. */
export const refuseHostCall = (
  call: HostCall,
  type: typeof MessageType.PipelineHostResponse | typeof MessageType.RunspacePoolHostResponse
): MessageBody => {
  const refusal: PsObject = errorRecordToPs({
    message: `${call.methodName}: this session has neither user nor console`,
    fullyQualifiedErrorId: "HostNotInteractive",
    exceptionTypes: [
      "System.Management.Automation.Host.HostException",
      "System.Management.Automation.RuntimeException",
      "System.SystemException",
      "System.Exception",
      "System.Object"
    ],
    category: 7,
    activity: "",
    reason: "HostException",
    targetName: "",
    targetType: "",
    targetObject: null
  })
  return {
    type,
    data: bag({
      ci: call.callId,
      mi: enumeration("System.Management.Automation.Remoting.RemoteHostMethodId", call.methodName, call.method),
      me: refusal
    })
  }
}

export interface HostResponse {
  readonly callId: bigint
  readonly result: PsValue
  readonly error?: PsValue
}

export const readHostResponse = (data: PsValue): Result.Result<HostResponse, MessageError> => {
  const callId = property(data, "ci")
  if (typeof callId !== "bigint") return Result.fail(new MessageError({ reason: "host response without a call id" }))
  const error = property(data, "me")
  return Result.succeed({ callId, result: property(data, "mr") ?? null, ...(error == null ? {} : { error }) })
}
