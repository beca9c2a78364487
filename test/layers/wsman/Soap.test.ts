import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { classify, FaultCode, isRefusal } from "../../../layers/wsman/Fault.ts"
import { readDuration, writeDuration } from "../../../layers/wsman/SoapDuration.ts"
import { writeRequest } from "../../../layers/wsman/SoapRequest.ts"
import type { Operation, RequestHeader } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import {
  type Answer,
  readReceived,
  readResponse,
  readShell,
  writeResponse
} from "../../../layers/wsman/SoapResponse.ts"
import { parse, textOf, write, element } from "../../../layers/wsman/SoapXml.ts"
import { namespaces } from "../../../layers/wsman/SoapNames.ts"

/** What a header or an attribute may hold: ids, URIs and names, never blank at an end. */
const Name = Schema.String.check(Schema.isPattern(/^[\w:./&<>"'äß𝄞-]+$/u))
const Bytes = Schema.Uint8Array
const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))

const Header = Schema.Struct({
  messageId: Name,
  to: Name,
  resourceUri: Name,
  sessionId: Schema.optionalKey(Name),
  operationTimeoutSeconds: Schema.optionalKey(Seconds),
  maxEnvelopeBytes: Schema.optionalKey(Seconds),
  options: Schema.Record(Name, Name),
  selectors: Schema.Record(Name, Name)
})
const commandId = Schema.optionalKey(Name)
const Words = Schema.Array(Schema.String.check(Schema.isPattern(/^[a-z]+$/u)))
const Stream = Schema.Struct({ name: Name, commandId, data: Bytes, end: Schema.optionalKey(Schema.Literal(true)) })
const AnyOperation = Schema.Union([
  Schema.Struct({
    _tag: Schema.Literal("Create"),
    shellId: Schema.optionalKey(Name),
    name: Schema.optionalKey(Name),
    inputStreams: Words,
    outputStreams: Words,
    idleTimeoutSeconds: Schema.optionalKey(Seconds),
    creationXml: Bytes
  }),
  Schema.Struct({ _tag: Schema.Literal("Command"), commandId, arguments: Bytes }),
  Schema.Struct({ _tag: Schema.Literal("Send"), streams: Schema.Array(Stream) }),
  Schema.Struct({ _tag: Schema.Literal("Receive"), commandId, streams: Words }),
  Schema.Struct({ _tag: Schema.Literal("Signal"), commandId, code: Name }),
  Schema.Struct({ _tag: Schema.Literal("Delete") }),
  Schema.Struct({ _tag: Schema.Literal("Get") })
])

describe("SOAP", () => {
  it.effect.prop(
    "a request reads back as it was",
    { header: Header, operation: AnyOperation },
    ({ header, operation }) =>
      Effect.gen(function* () {
        const request: { readonly header: RequestHeader; readonly operation: Operation } = { header, operation }
        assert.deepStrictEqual(yield* readRequest(writeRequest(request)), request)
      })
  )

  it.effect.prop(
    "what was received reads back as it was, but for empty streams",
    { streams: Schema.Array(Stream) },
    ({ streams }) =>
      Effect.gen(function* () {
        const text = writeResponse(
          { messageId: "uuid:1", relatesTo: "uuid:2" },
          { _tag: "Received", streams, commandId: "C", state: "Done", exitCode: 0 }
        )
        const { body, relatesTo, fault } = yield* readResponse(text)
        assert.strictEqual(relatesTo, "uuid:2")
        assert.isUndefined(fault)
        assert.deepStrictEqual(Result.getOrThrow(readReceived(body)), {
          streams: streams.filter(({ data }) => data.length > 0),
          state: "Done",
          exitCode: 0
        })
      })
  )

  it.effect.prop(
    "any text survives in an element, but for characters that XML cannot hold",
    { text: Schema.String },
    ({ text }) =>
      Effect.gen(function* () {
        const back = yield* parse(write(element(namespaces.shell, "Text", { a: text }, [text])))
        // oxlint-disable-next-line no-control-regex
        const expected = text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/gu, "\ufffd")
        assert.strictEqual(textOf(back), expected)
        assert.strictEqual(back.attributes["a"], expected)
      })
  )

  it.effect("faults carry code, subcode, text and what they mean", () =>
    Effect.gen(function* () {
      const answer: Answer = {
        _tag: "Fault",
        fault: { code: FaultCode.OperationTimeout, subcode: "w:TimedOut", text: "not in <time>" }
      }
      const { fault } = yield* readResponse(writeResponse({ messageId: "uuid:1", relatesTo: "" }, answer))
      assert.deepStrictEqual(fault, {
        code: 2150858793,
        subcode: "TimedOut",
        text: "not in <time>",
        classification: "operationTimeout"
      })
    })
  )

  it.effect("a fault of Windows with a provider's fault inside, and a signed code", () =>
    Effect.gen(function* () {
      const { fault } =
        yield* readResponse(`<s:Envelope xmlns:s="${namespaces.soap}" xmlns:w="${namespaces.wsman}"><s:Body>
        <s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>w:InternalError</s:Value></s:Subcode></s:Code>
        <s:Reason><s:Text xml:lang="">outer</s:Text></s:Reason><s:Detail>
        <f:WSManFault xmlns:f="${namespaces.wsmanFault}" Code="-2144108503" Machine="h"><f:Message>
          <f:ProviderFault provider="p" path="x">inner
            text</f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>`)
      assert.deepInclude(fault, { code: 2150858793, subcode: "InternalError", text: "inner text" })
      assert.strictEqual(fault?.classification, "operationTimeout")
    })
  )

  it("classifies by code first, then by subcode; what is unknown is no refusal", () => {
    assert.strictEqual(classify(2150858843, "TimedOut"), "invalidSelectors")
    assert.strictEqual(classify(2150859241, ""), "quota")
    assert.strictEqual(classify(5, ""), "accessDenied")
    assert.strictEqual(classify(1326, ""), "authentication")
    assert.strictEqual(classify(123456, "AccessDenied"), "accessDenied")
    assert.strictEqual(classify(undefined, "SomethingElse"), "unknown")
    assert.isFalse(isRefusal("unknown"))
    assert.isFalse(isRefusal("operationTimeout"))
    assert.isTrue(isRefusal("quota"))
  })

  it.effect("a shell's state reads back", () =>
    Effect.gen(function* () {
      const shell = {
        shellId: "A",
        name: "caps",
        resourceUri: "r",
        owner: "o",
        processId: 1,
        idleTimeoutSeconds: 180,
        inputStreams: ["stdin", "pr"],
        outputStreams: ["stdout"],
        state: "Connected",
        runTimeSeconds: 12.5,
        inactivitySeconds: 61
      } as const
      const text = writeResponse({ messageId: "uuid:1", relatesTo: "uuid:2" }, { _tag: "Shell", shell })
      assert.include(text, "<rsp:IdleTimeOut>PT180.000S</rsp:IdleTimeOut>")
      assert.deepStrictEqual(readShell((yield* readResponse(text)).body), {
        shellId: "A",
        state: "Connected",
        inactivitySeconds: 61
      })
    })
  )

  it.prop("durations read back to the millisecond", [Arbitrary.schema(Seconds)], ([seconds]) => {
    assert.strictEqual(readDuration(writeDuration(seconds / 1000)), seconds / 1000)
  })

  it("reads xs:duration as Windows and other clients write it", () => {
    assert.strictEqual(readDuration("PT7200.000S"), 7200)
    assert.strictEqual(readDuration("P1DT1H1M1S"), 90061)
    for (const text of ["-PT1S", "PT", "P", "P1DT", "1S", "PT1.S", ""]) assert.isUndefined(readDuration(text), text)
  })
})
