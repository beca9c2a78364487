/** One pipeline over WSMan: Command and Send out, Receive until its state is final, Signal when it must stop. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Stream from "effect/Stream"
import { address, messagesOf, type PipelineChannel } from "./PipelineChannel.ts"
import { signals } from "../wsman/SoapNames.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { type CreatePipeline, createPipeline } from "./CreatePipeline.ts"
import { Defragmenter } from "./Fragment.ts"
import { expectsAnswer, type HostCall, isQuestion, promptText, refuseHostCall } from "./HostCall.ts"
import type { ProgressRecord } from "./InformationalRecord.ts"
import { MessageType, messageTypeName } from "./Message.ts"
import { sendInput } from "./PipelineInput.ts"
import { poolEnded } from "./RunspacePoolStreams.ts"
import { PipelineCollector, type PipelineResult } from "./PipelineResult.ts"
import { OutputTooLarge, PromptRefused, ProtocolViolation, type PsrpError, TransportFailed } from "./PsrpError.ts"
import type { PsValue } from "./PsValue.ts"
import { transmit } from "./Transmission.ts"

export interface InvokeOptions {
  /** The pipeline's input. Pulled only as fast as the server takes it, and sent whole before output is received. */
  readonly input?: Stream.Stream<PsValue>
  /** Called for each progress record as it arrives. */
  readonly onProgress?: (record: ProgressRecord) => Effect.Effect<void>
}

const transportFailed = (sent: boolean) => (cause: WsmanError) => new TransportFailed({ cause, sent })

const refuse = Effect.fn("Pipeline.refuseHostCall")(function* (channel: PipelineChannel, call: HostCall) {
  const { wsman, shellId, commandId } = channel
  yield* transmit(wsman, [address(channel, refuseHostCall(call, MessageType.PipelineHostResponse))], (piece) =>
    wsman.send(shellId, "pr", piece, commandId)
  ).pipe(Effect.mapError(transportFailed(true)))
})

/** As much PowerShell itself takes of one command by default (MaximumReceivedDataSizePerCommandMB). */
const maxOutputBytes = 50 * 1024 * 1024

/** After so many Receives in a row without output a command may be waiting for something. */
const suspicious = 3

/** Receives until the pipeline's state is final. */
const receiveResult = Effect.fnUntraced(function* (
  channel: PipelineChannel,
  options: InvokeOptions
): Effect.fn.Return<PipelineResult, PsrpError> {
  const defragmenter = new Defragmenter({ sequence: channel.sequence })
  const collector = new PipelineCollector()
  const violation = (reason: string) => new ProtocolViolation({ reason, sent: true })
  let bytes = 0
  let silences = 0
  let prompt: string | undefined
  for (;;) {
    const received = yield* channel.wsman
      .receive(channel.shellId, channel.commandId)
      .pipe(Effect.mapError(transportFailed(true)))
    bytes += received.streams.reduce((sum, { data }) => sum + data.length, 0)
    if (bytes > maxOutputBytes) return yield* new OutputTooLarge({ limitBytes: maxOutputBytes, sent: true })
    const messages = messagesOf(defragmenter, received, channel.commandId, channel.cipher)
    if (Result.isFailure(messages)) return yield* violation(messages.failure.message)
    for (const message of messages.success) {
      const event = collector.accept(message)
      if (Result.isFailure(event)) return yield* violation(event.failure.message)
      switch (event.success._tag) {
        case "Progress":
          if (options.onProgress !== undefined) yield* options.onProgress(event.success.record)
          break
        case "HostCall":
          if (expectsAnswer(event.success.call)) {
            if (isQuestion(event.success.call))
              prompt ??= promptText(event.success.call) || event.success.call.methodName
            yield* refuse(channel, event.success.call)
          }
          break
        case "PoolEnded":
          return yield* poolEnded(event.success.pool, "while the command ran", true)
        case "Unknown":
          yield* Effect.logDebug("skipped a PSRP message").pipe(
            Effect.annotateLogs({ type: messageTypeName(message.type) })
          )
          break
        case "Finished":
          if (prompt !== undefined) return yield* new PromptRefused({ prompt, sent: true })
          if (!defragmenter.idle) return yield* violation("the command ended within a message")
          return event.success.result
        case "Recorded":
          break
      }
    }
    if (received.state === "Done") return yield* violation("the command ended without a pipeline state")
    // Who has a secret to tell waits for a key, and asks the pool for it (PUBLIC_KEY_REQUEST), which nobody listens to.
    silences = received.streams.length === 0 ? silences + 1 : 0
    if (silences === suspicious && channel.cipher === undefined) channel.cipher = yield* channel.sessionKey
  }
})

/**
 * Runs one pipeline to its final state. Errors carry `sent`: false only while it is certain that no command was accepted.
 * Interruption is left to the caller, who must `stopPipeline`.
 */
export const runPipeline = Effect.fnUntraced(function* (
  channel: PipelineChannel,
  pipeline: CreatePipeline,
  options: InvokeOptions
): Effect.fn.Return<PipelineResult, PsrpError> {
  const { wsman, shellId } = channel
  yield* transmit(wsman, [address(channel, createPipeline(pipeline))], (piece) =>
    channel.accepted
      ? wsman.send(shellId, "stdin", piece, channel.commandId)
      : Effect.map(wsman.command(shellId, channel.commandId, piece), ({ commandId }) => {
          channel.accepted = true
          channel.commandId = commandId
        })
  ).pipe(Effect.mapError((cause) => new TransportFailed({ cause, sent: channel.accepted || cause.sent })))
  if (options.input !== undefined) yield* sendInput(channel, options.input)
  return yield* receiveResult(channel, options)
})

/**
 * Asks a running pipeline to stop and waits until it has. The interrupted Receive may have taken fragments along, so
 * what cannot be read here is passed over: the command's state Done tells the same.
 */
export const stopPipeline = Effect.fn("Pipeline.stop")(function* (channel: PipelineChannel) {
  const { wsman, shellId, commandId } = channel
  const defragmenter = new Defragmenter({ sequence: channel.sequence })
  const untilStopped = Effect.gen(function* () {
    for (;;) {
      const received = yield* wsman.receive(shellId, commandId)
      if (received.state === "Done") return
      const messages = messagesOf(defragmenter, received, commandId, channel.cipher)
      if (Result.isFailure(messages)) continue
      const collector = new PipelineCollector()
      for (const message of messages.success) {
        const event = collector.accept(message)
        if (Result.isSuccess(event) && event.success._tag === "Finished") return
      }
    }
  })
  // Together: a server may answer the Signal only when a Receive has taken what the pipeline still had to say.
  yield* Effect.all([wsman.signal(shellId, commandId, signals.stop), untilStopped], { concurrency: 2, discard: true })
})
