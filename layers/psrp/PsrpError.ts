/** What can go wrong in a runspace pool; each says whether the command may have run. */
import * as Data from "effect/Data"
import type { WsmanError } from "../wsman/WsmanError.ts"
import type { ErrorRecord } from "./ErrorRecord.ts"

/** The server sent what MS-PSRP does not allow. The pool is unusable. */
export class ProtocolViolation extends Data.TaggedError("PsrpProtocolViolation")<{
  readonly reason: string
  readonly sent: boolean
}> {
  override get message() {
    return `PSRP: ${this.reason}`
  }
}

/** The runspace pool ended, or an earlier failure made it unusable: open another. */
export class PoolBroken extends Data.TaggedError("PsrpPoolBroken")<{
  readonly reason: string
  /** What PowerShell says about it. */
  readonly record?: ErrorRecord
  readonly sent: boolean
}> {
  override get message() {
    return `runspace pool unusable: ${this.record?.message ?? this.reason}`
  }
}

/** The transport failed while a pipeline was under way. The pool is unusable. */
export class TransportFailed extends Data.TaggedError("PsrpTransportFailed")<{
  readonly cause: WsmanError
  /** False only when it is certain that the command was not accepted. */
  readonly sent: boolean
}> {
  override get message() {
    return this.cause.message
  }
}

/** The pipeline asked the user something; the question was refused and the pipeline has ended. */
export class PromptRefused extends Data.TaggedError("PsrpPromptRefused")<{
  readonly prompt: string
  readonly sent: true
}> {
  override get message() {
    return `the command asked a question, which nobody answers here: ${this.prompt}`
  }
}

/** The pipeline answered more than is kept of one. The pool is unusable. */
export class OutputTooLarge extends Data.TaggedError("PsrpOutputTooLarge")<{
  readonly limitBytes: number
  readonly sent: true
}> {
  override get message() {
    return `the command answered more than ${this.limitBytes} bytes`
  }
}

export type PsrpError = ProtocolViolation | PoolBroken | TransportFailed | PromptRefused | OutputTooLarge
