import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { decodeMessage, MessageType } from "../../../layers/psrp/Message.ts"
import { namespaces, shellResource } from "../../../layers/wsman/SoapNames.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { readShellPage } from "../../../layers/wsman/SoapEnumeration.ts"
import {
  readCommandStarted,
  readCreated,
  readGotShell,
  readReceived,
  readResponse
} from "../../../layers/wsman/SoapResponseReader.ts"
import { parse } from "../../../layers/wsman/SoapXml.ts"
import { conversationNames, readConversation } from "./Conversation.ts"

/** Requests there break the protocol on purpose. */
const broken = new Set([
  "malformed-xml",
  "missing-headers",
  "identify",
  "envelope-too-large",
  "wrong-password",
  "wrong-resource-uri"
])

const isSoap = (body: string): boolean => body.includes(namespaces.soap) && body.includes("Body")

describe("recorded WS-Management", () => {
  it.effect.each(conversationNames)("%s: answers are read, faults included", (file) =>
    Effect.gen(function* () {
      for (const { response } of readConversation(file).exchanges) {
        if (response === null || !isSoap(response.body)) continue
        const answer = yield* readResponse(response.body)
        if (response.status === 200) assert.isUndefined(answer.fault)
        else {
          assert.isDefined(answer.fault)
          assert.notStrictEqual(`${answer.fault?.subcode}${answer.fault?.text}`, "")
        }
      }
    })
  )

  it.effect.each(conversationNames.filter((file) => !broken.has(file)))(
    "%s: requests and their answers belong together",
    (file) =>
      Effect.gen(function* () {
        for (const { request, response } of readConversation(file).exchanges) {
          if (request.shortened !== undefined || !isSoap(request.body)) continue
          const asked = yield* readRequest(request.body)
          if ("_tag" in asked) {
            assert.strictEqual(asked.problem, "Action", asked.detail)
            continue
          }
          if (response === null || response.status !== 200) continue
          const answer = yield* readResponse(response.body)
          assert.strictEqual(answer.relatesTo, asked.header.messageId)
          const { operation, header } = asked
          switch (operation._tag) {
            case "Create":
              assert.strictEqual(header.options["protocolversion"], "2.3")
              assert.strictEqual(Result.getOrThrow(readCreated(answer.body)), operation.shellId)
              break
            case "Command":
              assert.strictEqual(Result.getOrThrow(readCommandStarted(answer.body)), operation.commandId)
              break
            case "Receive":
              assert.isDefined(Result.getOrThrow(readReceived(answer.body)).state)
              break
            case "Get":
              if (header.selectors["ShellId"] !== undefined) {
                const { shellId, state } = Result.getOrThrow(readGotShell(answer.body))
                assert.strictEqual(shellId, header.selectors["ShellId"])
                assert.isDefined(state)
              }
              break
            case "Enumerate": {
              const { shells, end } = Result.getOrThrow(readShellPage(answer.body))
              assert.strictEqual(end, operation.optimize)
              if (end && header.resourceUri === shellResource)
                assert.deepStrictEqual(
                  shells.map(({ owner, state }) => [owner, state]),
                  [["tester", "Connected"]]
                )
              break
            }
            default:
              break
          }
        }
      })
  )

  it.effect("a conversation's streams are the messages of its pipeline", () =>
    Effect.gen(function* () {
      const fragments = new Defragmenter()
      const types: Array<number> = []
      let sent: ReadonlyArray<number> = []
      for (const { request, response } of readConversation("command").exchanges) {
        const asked = yield* readRequest(request.body)
        assert.isTrue("operation" in asked)
        if ("operation" in asked && asked.operation._tag === "Create") {
          const messages = Result.getOrThrow(new Defragmenter().push(asked.operation.creationXml ?? new Uint8Array()))
          sent = messages.map((bytes) => Result.getOrThrow(decodeMessage(bytes)).type)
        }
        if (response === null || !response.body.includes("ReceiveResponse>")) continue
        const { body } = yield* readResponse(response.body)
        for (const { data } of Result.getOrThrow(readReceived(body)).streams)
          for (const bytes of Result.getOrThrow(fragments.push(data)))
            types.push(Result.getOrThrow(decodeMessage(bytes)).type)
      }
      assert.deepStrictEqual(sent, [MessageType.SessionCapability, MessageType.InitRunspacePool])
      assert.deepStrictEqual(types, [
        MessageType.SessionCapability,
        MessageType.ApplicationPrivateData,
        MessageType.RunspacePoolState,
        MessageType.PipelineOutput,
        MessageType.PipelineState
      ])
    })
  )

  it.effect("a shell that is gone is known by its subcode alone, where no code comes", () =>
    Effect.gen(function* () {
      const classes: Array<string | undefined> = []
      for (const { response } of readConversation("unknown-shell").exchanges) {
        if (response === null || response.status !== 500) continue
        const { fault } = yield* readResponse(response.body)
        assert.isUndefined(fault?.code)
        classes.push(fault?.classification)
      }
      assert.isAbove(classes.length, 3)
      assert.deepStrictEqual([...new Set(classes)], ["invalidSelectors"])
    })
  )

  it.effect("what is no XML is refused, and a DOCTYPE with it", () =>
    Effect.gen(function* () {
      const reasons: Array<string> = []
      for (const text of ["", "<a>", "<a/><b/>", "<!DOCTYPE a><a/>", '<x:a xmlns:y="u"/>', "<a>&lol;</a>", "\u0000"])
        reasons.push((yield* Effect.flip(parse(text))).reason)
      assert.strictEqual(reasons[3], "DOCTYPE")
      assert.strictEqual(reasons[4], "undeclared prefix")
    })
  )
})
