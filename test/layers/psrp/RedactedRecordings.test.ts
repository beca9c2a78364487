/** Conversations with Microsoft's own server, redacted: nothing that a reader makes of them changes. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { concatBytes, decodeFragments, Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, type Message, MessageType } from "../../../layers/psrp/Message.ts"
import * as Redaction from "../../../layers/psrp/Redaction.ts"
import { readReceived, readResponse } from "../../../layers/wsman/SoapResponseReader.ts"
import { conversationNames, readConversation } from "../wsman/Conversation.ts"

/** As a client reads an answer: its fault, its state, its fragments. */
const read = Effect.fnUntraced(function* (text: string) {
  const response = yield* Effect.result(readResponse(text))
  if (Result.isFailure(response)) return "no envelope"
  const { relatesTo, body, fault } = response.success
  const received = Result.getOrUndefined(readReceived(body))
  return {
    relatesTo,
    fault,
    state: received?.state,
    streams: received?.streams.map(({ name, commandId, data }) => ({
      name,
      commandId,
      fragments: Result.getOrElse(decodeFragments(data), () => []).map((fragment) => [
        fragment.objectId,
        fragment.fragmentId,
        fragment.start,
        fragment.end
      ])
    }))
  }
})

const messagesOf = Effect.fnUntraced(function* (answers: ReadonlyArray<string>) {
  const defragmenter = new Defragmenter()
  const messages: Array<Message> = []
  for (const text of answers) {
    const response = yield* Effect.result(readResponse(text))
    const received = Result.isSuccess(response) ? Result.getOrUndefined(readReceived(response.success.body)) : undefined
    const data = concatBytes(received?.streams.map((stream) => stream.data) ?? [])
    for (const bytes of Result.getOrThrow(defragmenter.push(data)))
      messages.push(Result.getOrThrow(decodeMessage(bytes)))
  }
  return messages
})

/** What is shown of these, in a recording where everything is known to be ours. */
const whole = new Set<number>([
  MessageType.PipelineOutput,
  MessageType.ErrorRecord,
  MessageType.PipelineState,
  MessageType.WarningRecord,
  MessageType.ProgressRecord,
  MessageType.InformationRecord,
  MessageType.SessionCapability,
  MessageType.RunspacePoolState
])

describe("a recorded conversation, redacted", () => {
  it.effect.each(conversationNames.map((name) => ({ name })))("reads as it did: $name", ({ name }) =>
    Effect.gen(function* () {
      const exchanges = readConversation(name).exchanges.flatMap(({ request, response }) =>
        response === null || response.body === "" ? [] : [{ request: request.body, answer: response.body }]
      )
      const redaction = Redaction.make(
        { host: "", client: 1 },
        { scrub: (text) => text, isOurs: () => true, isOurErrorId: () => true }
      )
      const lines: Array<string> = []
      for (const { request, answer } of exchanges) {
        const taken = yield* redaction.take({
          lane: "",
          startedAt: 0,
          millis: 0,
          status: 200,
          request,
          outcome: Exit.succeed(answer)
        })
        lines.push(...taken.map((line) => line.answer ?? ""))
      }
      lines.push(...redaction.end().map((line) => line.answer ?? ""))
      const answers = exchanges.map(({ answer }) => answer)
      assert.deepStrictEqual(yield* Effect.forEach(lines, read), yield* Effect.forEach(answers, read))
      const shown = (messages: ReadonlyArray<Message>) => messages.filter(({ type }) => whole.has(type))
      assert.deepStrictEqual(shown(yield* messagesOf(lines)), shown(yield* messagesOf(answers)))
    })
  )
})
