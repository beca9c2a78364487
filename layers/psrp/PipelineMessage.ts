/** Messages of a running pipeline: state, output, errors, input (MS-PSRP §2.2.2.17–21). */
import * as Result from "effect/Result"
import { type ErrorRecord, errorRecordFromPs, errorRecordToPs } from "./ErrorRecord.ts"
import { type MessageBody, MessageError, MessageType } from "./Message.ts"
import { bag, integerOf, property } from "./PsObject.ts"
import type { PsValue } from "./PsValue.ts"

/** PSInvocationState (MS-PSRP §2.2.3.5). */
export const PipelineState = {
  NotStarted: 0,
  Running: 1,
  Stopping: 2,
  Stopped: 3,
  Completed: 4,
  Failed: 5,
  Disconnected: 6
} as const

export interface PipelineStateMessage {
  readonly state: number
  /** What ended a pipeline that is Failed or Stopped. */
  readonly error?: ErrorRecord
}

export const pipelineState = (state: number, error?: ErrorRecord): MessageBody => ({
  type: MessageType.PipelineState,
  data: bag({
    PipelineState: state,
    ...(error === undefined ? {} : { ExceptionAsErrorRecord: errorRecordToPs(error) })
  })
})

export const readPipelineState = (data: PsValue): Result.Result<PipelineStateMessage, MessageError> => {
  const state = integerOf(property(data, "PipelineState"))
  if (state === undefined) return Result.fail(new MessageError({ reason: "PipelineState without a state" }))
  const error = property(data, "ExceptionAsErrorRecord")
  return Result.succeed({ state, ...(error == null ? {} : { error: errorRecordFromPs(error) }) })
}

/** Whether a pipeline of this state sends no more. */
export const isFinal = (state: number): boolean =>
  state === PipelineState.Stopped || state === PipelineState.Completed || state === PipelineState.Failed

export const pipelineOutput = (value: PsValue): MessageBody => ({ type: MessageType.PipelineOutput, data: value })

export const pipelineInput = (value: PsValue): MessageBody => ({ type: MessageType.PipelineInput, data: value })

export const endOfPipelineInput: MessageBody = { type: MessageType.EndOfPipelineInput, data: null }

export const errorRecord = (error: ErrorRecord): MessageBody => ({
  type: MessageType.ErrorRecord,
  data: errorRecordToPs(error)
})
