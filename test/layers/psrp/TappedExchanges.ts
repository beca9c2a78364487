/** Exchanges of a session as a tap sees them, and what a recording makes of them. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createPipeline } from "../../../layers/psrp/CreatePipeline.ts"
import type { ErrorRecord } from "../../../layers/psrp/ErrorRecord.ts"
import { concatBytes, Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, encodeMessage, type MessageBody, MessageType } from "../../../layers/psrp/Message.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { scrubber } from "../../../layers/psrp/RedactedText.ts"
import * as Redaction from "../../../layers/psrp/Redaction.ts"
import { cipherOf } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { powershellResource } from "../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import { writeRequest } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import { readReceived, readResponse } from "../../../layers/wsman/SoapResponseReader.ts"
import type { TappedExchange } from "../../../layers/wsman/WireTap.ts"
import type * as WireRecord from "../../../schemas/WireRecord.ts"

const shellId = "11111111-1111-4111-8111-111111111111"
const poolId = shellId
export const ours = "22222222-2222-4222-8222-222222222222"
export const theirs = "33333333-3333-4333-8333-333333333333"
const messageId = "uuid:44444444-4444-4444-8444-444444444444"
const cipher = cipherOf(new Uint8Array(32).fill(3))

const ourScript = "function Get-CapsThing { 'ours' }"

export const redaction = (...secrets: ReadonlyArray<string>) =>
  Redaction.make(
    { host: "https://exec1:5986", client: 1 },
    {
      scrub: scrubber(secrets.map((secret) => Redacted.make(secret))),
      isOurs: (command, isScript) => (isScript ? command === ourScript : command === "Get-CapsThing"),
      isOurErrorId: (id) => id === "ThingNotFound,Get-CapsThing"
    }
  )

let objectId = 0n

const fragments = (
  destination: "client" | "server",
  pipelineId: string,
  body: MessageBody,
  size = 30_000
): ReadonlyArray<Uint8Array> =>
  splitMessage(++objectId, encodeMessage({ destination, runspacePoolId: poolId, pipelineId, ...body }, cipher), size)

const envelope = (operation: Operation): string =>
  writeRequest({
    header: {
      messageId,
      to: "https://exec1:5986/wsman",
      resourceUri: powershellResource("Microsoft.PowerShell"),
      options: {},
      selectors: { ShellId: shellId }
    },
    operation
  })

const answered = (answer: Answer): string => writeResponse({ messageId, relatesTo: messageId }, answer)

export const exchange = (operation: Operation, answer: Answer): TappedExchange => ({
  lane: "data",
  startedAt: 0,
  millis: 1,
  request: envelope(operation),
  status: 200,
  outcome: Exit.succeed(answered(answer))
})

export const stream = (data: Uint8Array, commandId?: string) => ({
  name: "stdin",
  ...(commandId === undefined ? {} : { commandId }),
  data
})

/** A message to the server, in as many Sends as it has fragments, a Command first where it makes a pipeline. */
export const said = (pipelineId: string, body: MessageBody, size?: number): ReadonlyArray<TappedExchange> =>
  fragments("server", pipelineId, body, size).map((data, index) =>
    index === 0 && body.type === MessageType.CreatePipeline
      ? exchange(
          { _tag: "Command", commandId: pipelineId, arguments: data },
          { _tag: "CommandStarted", commandId: pipelineId }
        )
      : exchange({ _tag: "Send", streams: [stream(data, pipelineId)] }, { _tag: "Sent" })
  )

/** A message from the server, a fragment to each Receive. */
export const heard = (pipelineId: string, body: MessageBody, size?: number): ReadonlyArray<TappedExchange> =>
  fragments("client", pipelineId, body, size).map((data) =>
    exchange(
      { _tag: "Receive", commandId: pipelineId, streams: ["stdout"] },
      { _tag: "Received", streams: [{ name: "stdout", commandId: pipelineId, data }], commandId: pipelineId }
    )
  )

export const command = (name: string, parameters: Readonly<Record<string, PsValue>>, isScript = false) =>
  createPipeline({
    statements: [
      [{ name, isScript, parameters: Object.entries(parameters).map(([key, value]) => ({ name: key, value })) }]
    ],
    noInput: true
  })

export const record = (changes: Partial<ErrorRecord>): ErrorRecord => ({
  message: "no",
  fullyQualifiedErrorId: "Any",
  exceptionTypes: ["System.Exception"],
  category: 7,
  activity: "Get-CapsThing",
  reason: "Exception",
  targetName: "",
  targetType: "",
  targetObject: null,
  ...changes
})

export const lines = Effect.fnUntraced(function* (it: Redaction.Redaction, exchanges: ReadonlyArray<TappedExchange>) {
  const taken: Array<WireRecord.Exchange> = []
  for (const tapped of exchanges) taken.push(...(yield* it.take(tapped)))
  return [...taken, ...it.end()]
})

/** The messages that a recording's requests or answers hold. */
export const messagesOf = Effect.fnUntraced(function* (
  recorded: ReadonlyArray<WireRecord.Exchange>,
  side: "request" | "answer"
) {
  const defragmenter = new Defragmenter()
  const pieces: Array<Uint8Array> = []
  for (const line of recorded) {
    if (side === "answer" && line.operation === "Receive") {
      const { body } = yield* readResponse(line.answer ?? "")
      pieces.push(...Result.getOrThrow(readReceived(body)).streams.map(({ data }) => data))
    }
    if (side === "answer") continue
    const request = yield* readRequest(line.request)
    if ("_tag" in request) continue
    if (request.operation._tag === "Command") pieces.push(request.operation.arguments)
    if (request.operation._tag === "Send") pieces.push(...request.operation.streams.map(({ data }) => data))
  }
  return Result.getOrThrow(defragmenter.push(concatBytes(pieces))).map((bytes) =>
    Result.getOrThrow(decodeMessage(bytes))
  )
})
