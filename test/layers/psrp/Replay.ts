/** Our client in a recorded conversation: it makes the calls that PowerShell's own client made, and gets the same answers. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type CreatePipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, emptyGuid, encodeMessage, type Message, MessageType } from "../../../layers/psrp/Message.ts"
import type { PipelineResult } from "../../../layers/psrp/PipelineResult.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { secureString } from "../../../layers/psrp/SecureString.ts"
import { cipherOf, ownPublicKey, sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { invocationOf, itemsDescribed, pipelineOf, valueOf } from "./RecordedCall.ts"
import { packetBytes, type RecordedCall, type Recording } from "./Recording.ts"
import { messageStep, openPool, recordedSteps, ScriptedWsman, type Step } from "./ScriptedWsman.ts"

export interface RecordedMessage extends Message {
  /** The pipeline that the message's packet named; of zeros for the pool. */
  readonly psguid: string
}

/** Messages of one direction in their order; none may be left incomplete. */
export const messagesOf = (recording: Recording, to: "server" | "client"): ReadonlyArray<RecordedMessage> => {
  const streams = new Map<string, Defragmenter>()
  const messages: Array<RecordedMessage> = []
  for (const packet of recording.packets) {
    if (packet.to !== to || packet.data === undefined) continue
    const stream = streams.get(packet.psguid) ?? new Defragmenter()
    streams.set(packet.psguid, stream)
    for (const bytes of Result.getOrThrow(stream.push(packetBytes(packet.data))))
      messages.push({ ...Result.getOrThrow(decodeMessage(bytes)), psguid: packet.psguid })
  }
  for (const stream of streams.values()) if (!stream.idle) throw new Error("a recording ends within a message")
  return messages
}

/** What PowerShell's client ran, in order: what was asked of it, and a pipeline of its own at the start of each session. */
export interface RecordedPipeline {
  readonly psguid: string
  readonly call: RecordedCall | undefined
  readonly created: CreatePipeline
}

export const pipelinesOf = (recording: Recording): ReadonlyArray<RecordedPipeline> =>
  messagesOf(recording, "server")
    .filter(({ type }) => type === MessageType.CreatePipeline)
    .map(({ psguid, data }) => ({
      psguid,
      call: recording.calls.find(({ seen }) => seen.pipeline === psguid),
      created: Result.getOrThrow(readCreatePipeline(data))
    }))

/** PowerShell's client says that no input comes where it is given an empty list. */
export const inputOf = (call: RecordedCall | undefined): ReadonlyArray<PsValue> | undefined => {
  const values = itemsDescribed(call?.input).map(valueOf)
  return values.length === 0 ? undefined : values
}

/** The same pipeline from what was asked, rather than from what was sent; the client's own from that. */
export const askedOf = ({ call, created }: RecordedPipeline): CreatePipeline =>
  call === undefined
    ? created
    : pipelineOf(
        call.commands,
        created.statements.map(({ length }) => length),
        inputOf(call) === undefined
      )

/** The session keys of the recordings were not kept: what they sealed is sealed again by one that is known. */
const sessionKey = Uint8Array.from({ length: 32 }, (_, index) => index)
const cipher = cipherOf(sessionKey)

const resealed = (recording: Recording, { psguid, call }: RecordedPipeline): ReadonlyArray<Step> => {
  const secrets = (call?.seen.output ?? []).flatMap((value) =>
    typeof value?.["plain"] === "string" ? [value["plain"]] : []
  )
  if (secrets.length === 0) return recordedSteps(recording, psguid)
  const messages = messagesOf(recording, "client").filter((message) => message.psguid === psguid)
  return messages.map((message, index) => {
    const { data } = message
    const sealed =
      data !== null &&
      typeof data === "object" &&
      "_tag" in data &&
      data._tag === "Scalar" &&
      data.type === "SecureString"
    const open = sealed ? { ...message, data: secureString(Redacted.make(secrets.shift() ?? "")) } : message
    return {
      streams: splitMessage(BigInt(index + 1), encodeMessage(open, cipher), 32_768).map((fragment) => ({
        name: "stdout",
        data: fragment
      })),
      ...(index === messages.length - 1 ? { state: "Done" as const } : {})
    }
  })
}

/** A pool opened as recorded, every pipeline of the recording run in it, and the pool closed. */
export const replay = Effect.fnUntraced(function* (recording: Recording) {
  const pipelines = pipelinesOf(recording)
  const wsman = new ScriptedWsman({
    opening: [
      ...recordedSteps(recording, emptyGuid).slice(0, 3),
      messageStep(emptyGuid, encryptedSessionKey(sealSessionKey(ownPublicKey(), sessionKey)))
    ],
    pipelines: pipelines.map((pipeline) => resealed(recording, pipeline))
  })
  const results: Array<{ readonly pipeline: RecordedPipeline; readonly result: PipelineResult }> = []
  yield* Effect.scoped(
    Effect.gen(function* () {
      const pool = yield* openPool(wsman)
      for (const pipeline of pipelines) {
        const { call, created } = pipeline
        const input = inputOf(call)
        const commands = call?.commands.map(invocationOf) ?? [
          {
            name: created.statements[0]?.[0]?.name ?? "",
            parameters: Object.fromEntries(
              (created.statements[0]?.[0]?.parameters ?? []).map(({ name, value }) => [name ?? "", value])
            )
          }
        ]
        const result = yield* pool.invoke(commands, input === undefined ? {} : { input: Stream.fromIterable(input) })
        results.push({ pipeline, result })
      }
    })
  )
  return { wsman, results }
})
