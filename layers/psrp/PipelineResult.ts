/** What a pipeline gave: its messages gathered into one result. */
import * as Result from "effect/Result"
import { type ErrorRecord, errorRecordFromPs } from "./ErrorRecord.ts"
import { type HostCall, readHostCall } from "./HostCall.ts"
import {
  type InformationRecord,
  type ProgressRecord,
  readInformation,
  readInformational,
  readProgress
} from "./InformationalRecord.ts"
import { type Message, type MessageError, MessageType } from "./Message.ts"
import { isFinal, PipelineState, readPipelineState } from "./PipelineMessage.ts"
import type { PsValue } from "./PsValue.ts"
import { hasEnded, readRunspacePoolState, type RunspacePoolStateMessage } from "./RunspacePoolMessage.ts"

export interface PipelineResult {
  readonly state: "Completed" | "Failed" | "Stopped"
  readonly output: ReadonlyArray<PsValue>
  /** Non-terminating errors: the pipeline went on after each. */
  readonly errors: ReadonlyArray<ErrorRecord>
  /** What ended a pipeline that is Failed or Stopped. */
  readonly terminatingError?: ErrorRecord
  readonly warnings: ReadonlyArray<string>
  readonly verbose: ReadonlyArray<string>
  readonly debug: ReadonlyArray<string>
  readonly information: ReadonlyArray<InformationRecord>
  readonly progress: ReadonlyArray<ProgressRecord>
}

/** What one message means to whoever runs the pipeline. */
export type PipelineEvent =
  | { readonly _tag: "Recorded" }
  | { readonly _tag: "Progress"; readonly record: ProgressRecord }
  | { readonly _tag: "HostCall"; readonly call: HostCall }
  | { readonly _tag: "Finished"; readonly result: PipelineResult }
  /** The pool is Broken or Closed, and the pipeline with it. */
  | { readonly _tag: "PoolEnded"; readonly pool: RunspacePoolStateMessage }
  | { readonly _tag: "Unknown" }

/** Gathers a pipeline's messages in the order of their arrival. Mutable; one per pipeline. */
export class PipelineCollector {
  private readonly output: Array<PsValue> = []
  private readonly errors: Array<ErrorRecord> = []
  private readonly warnings: Array<string> = []
  private readonly verbose: Array<string> = []
  private readonly debug: Array<string> = []
  private readonly information: Array<InformationRecord> = []
  private readonly progress: Array<ProgressRecord> = []

  accept(message: Message): Result.Result<PipelineEvent, MessageError> {
    switch (message.type) {
      case MessageType.PipelineOutput:
        return this.record(this.output, message.data)
      case MessageType.ErrorRecord:
        return this.record(this.errors, errorRecordFromPs(message.data))
      case MessageType.WarningRecord:
        return this.record(this.warnings, readInformational(message.data))
      case MessageType.VerboseRecord:
        return this.record(this.verbose, readInformational(message.data))
      case MessageType.DebugRecord:
        return this.record(this.debug, readInformational(message.data))
      case MessageType.InformationRecord:
        return this.record(this.information, readInformation(message.data))
      case MessageType.ProgressRecord: {
        const record = readProgress(message.data)
        this.progress.push(record)
        return Result.succeed({ _tag: "Progress", record })
      }
      case MessageType.PipelineHostCall:
        return Result.map(readHostCall(message.data), (call) => ({ _tag: "HostCall", call }))
      case MessageType.PipelineState:
        return Result.map(readPipelineState(message.data), ({ state, error }) =>
          isFinal(state) ? { _tag: "Finished", result: this.result(state, error) } : { _tag: "Recorded" }
        )
      case MessageType.RunspacePoolState:
        return Result.map(readRunspacePoolState(message.data), (pool) =>
          hasEnded(pool) ? { _tag: "PoolEnded", pool } : { _tag: "Recorded" }
        )
      default:
        return Result.succeed({ _tag: "Unknown" })
    }
  }

  private record<A>(stream: Array<A>, item: A): Result.Result<PipelineEvent> {
    stream.push(item)
    return Result.succeed({ _tag: "Recorded" })
  }

  private result(state: number, terminatingError: ErrorRecord | undefined): PipelineResult {
    return {
      state: state === PipelineState.Completed ? "Completed" : state === PipelineState.Failed ? "Failed" : "Stopped",
      output: this.output,
      errors: this.errors,
      ...(terminatingError === undefined ? {} : { terminatingError }),
      warnings: this.warnings,
      verbose: this.verbose,
      debug: this.debug,
      information: this.information,
      progress: this.progress
    }
  }
}
