import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { classify, FaultCode, isRefusal } from "../../../layers/wsman/Fault.ts"
import { readDuration, writeDuration } from "../../../layers/wsman/SoapDuration.ts"
import { writeRequest } from "../../../layers/wsman/SoapRequest.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import type { RequestHeader } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import {
  readConfig,
  readConnected,
  readGotShell,
  readReceived,
  readResponse
} from "../../../layers/wsman/SoapResponseReader.ts"
import { readShellPage } from "../../../layers/wsman/SoapEnumeration.ts"
import { parse, textOf, write, element } from "../../../layers/wsman/SoapXml.ts"
import { namespaces } from "../../../layers/wsman/SoapNames.ts"

/** What a header or an attribute may hold: ids, URIs and names, never blank at an end. */
const Name = Schema.String.check(Schema.isPattern(/^[\w:./&<>"'äß𝄞-]+$/u))
/** What an argument or a variable may hold. */
const Text = Schema.String.check(Schema.isPattern(/^[\w \t\r\n:./&<>"'\\äß𝄞-]*$/u))
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
    creationXml: Schema.optionalKey(Bytes),
    workingDirectory: Schema.optionalKey(Text),
    environment: Schema.optionalKey(Schema.Record(Text, Text))
  }),
  Schema.Struct({ _tag: Schema.Literal("Command"), commandId, arguments: Bytes }),
  Schema.Struct({
    _tag: Schema.Literal("CommandLine"),
    commandId,
    command: Name,
    arguments: Schema.Array(Text)
  }),
  Schema.Struct({ _tag: Schema.Literal("Send"), streams: Schema.Array(Stream) }),
  Schema.Struct({ _tag: Schema.Literal("Receive"), commandId, streams: Words }),
  Schema.Struct({ _tag: Schema.Literal("Signal"), commandId, code: Name }),
  Schema.Struct({ _tag: Schema.Literal("Delete") }),
  Schema.Struct({ _tag: Schema.Literal("Get") }),
  Schema.Struct({ _tag: Schema.Literal("Disconnect") }),
  Schema.Struct({ _tag: Schema.Literal("Reconnect") }),
  Schema.Struct({ _tag: Schema.Literal("Connect"), commandId, connectXml: Schema.optionalKey(Bytes) }),
  Schema.Struct({
    _tag: Schema.Literal("Enumerate"),
    optimize: Schema.Boolean,
    maxElements: Schema.optionalKey(Seconds),
    filter: Schema.Record(Name, Name)
  }),
  Schema.Struct({ _tag: Schema.Literal("Pull"), context: Name, maxElements: Schema.optionalKey(Seconds) })
])

const whole = (maximum: number) => Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })))
const Shell = Schema.Struct({
  shellId: Name,
  name: Schema.optionalKey(Name),
  resourceUri: Schema.optionalKey(Name),
  owner: Schema.optionalKey(Name),
  clientIp: Schema.optionalKey(Name),
  processId: whole(0xffff_ffff),
  idleTimeoutSeconds: Schema.optionalKey(Seconds),
  inputStreams: Words,
  outputStreams: Words,
  state: Schema.optionalKey(Schema.Literals(["Connected", "Disconnected"])),
  runTimeSeconds: whole(10_000_000),
  inactivitySeconds: whole(10_000_000),
  /** To the MiB. */
  memoryUsedBytes: Schema.optionalKey(Schema.Literals([0, 58 * 1024 * 1024, 4096 * 1024 * 1024])),
  childProcesses: whole(100)
})

const header = { messageId: "uuid:1", relatesTo: "uuid:2" }

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

  it.effect("a shell's name may be an attribute or, as pypsrp has it, an element", () =>
    Effect.gen(function* () {
      const create = { _tag: "Create", name: "caps", inputStreams: ["stdin"], outputStreams: ["stdout"] } as const
      const text = writeRequest({
        header: {
          to: "http://exec1.example:5985/wsman",
          messageId: "uuid:1",
          sessionId: "uuid:2",
          resourceUri: "http://schemas.microsoft.com/powershell/Microsoft.PowerShell",
          operationTimeoutSeconds: 60,
          maxEnvelopeBytes: 153_600,
          selectors: {},
          options: {}
        },
        operation: create
      })
      const [, prefix = ""] = /<(\w+):Shell /u.exec(text) ?? []
      const element = text
        .replace(' Name="caps"', "")
        .replace(`<${prefix}:InputStreams>`, `<${prefix}:Name>caps</${prefix}:Name>$&`)
      assert.include(element, ":Name>caps<")
      for (const envelope of [text, element]) assert.deepInclude(yield* readRequest(envelope), { operation: create })
    })
  )

  it.effect.prop("a shell's state reads back as it was", { shell: Shell }, ({ shell }) =>
    Effect.gen(function* () {
      const text = writeResponse(header, { _tag: "Shell", shell })
      assert.deepStrictEqual(Result.getOrThrow(readGotShell((yield* readResponse(text)).body)), shell)
    })
  )

  it.effect("a shell's times and memory are written as Windows writes them", () =>
    Effect.gen(function* () {
      const shell = {
        shellId: "A",
        idleTimeoutSeconds: 180,
        inputStreams: ["stdin", "pr"],
        outputStreams: ["stdout"],
        state: "Connected",
        runTimeSeconds: 90_061.5,
        inactivitySeconds: 62.25,
        memoryUsedBytes: 59 * 1024 * 1024 + 1000
      } as const
      const text = writeResponse(header, { _tag: "Shell", shell })
      assert.include(text, "<rsp:IdleTimeOut>PT180.000S</rsp:IdleTimeOut>")
      assert.include(text, "<rsp:ShellRunTime>P1DT1H1M1S</rsp:ShellRunTime>")
      assert.include(text, "<rsp:MemoryUsed>59MB</rsp:MemoryUsed>")
      const read = Result.getOrThrow(readGotShell((yield* readResponse(text)).body))
      assert.deepInclude(read, { inactivitySeconds: 62, memoryUsedBytes: 59 * 1024 * 1024 })
    })
  )

  it.effect.prop(
    "a list of shells reads back as it was, from the first answer and from the next",
    { shells: Schema.Array(Shell), context: Name, end: Schema.Boolean },
    ({ shells, context, end }) =>
      Effect.gen(function* () {
        const command = { commandId: "C", commandLine: "", state: "Running" } as const
        for (const tag of ["Enumerated", "Pulled"] as const) {
          const text = writeResponse(header, { _tag: tag, page: { items: [command, ...shells], context, end } })
          const { body } = yield* readResponse(text)
          assert.deepStrictEqual(Result.getOrThrow(readShellPage(body)), { shells, context, end })
        }
      }),
    { arbitrary: { size: 24 } }
  )

  it.effect.prop(
    "what a Connect answers reads back as it was",
    { inputStreams: Words, outputStreams: Words, connectResponseXml: Bytes },
    (connected) =>
      Effect.gen(function* () {
        for (const answer of [connected, {}]) {
          const { body } = yield* readResponse(writeResponse(header, { _tag: "Connected", connected: answer }))
          assert.deepStrictEqual(Result.getOrThrow(readConnected(body)), answer)
        }
      })
  )

  it.effect("the listener's configuration, as Windows answers it", () =>
    Effect.gen(function* () {
      const config = { maxEnvelopeKilobytes: 500, maxTimeoutMillis: 60_000 }
      const written = yield* readResponse(writeResponse(header, { _tag: "Config", config }))
      assert.deepStrictEqual(Result.getOrThrow(readConfig(written.body)), config)
      const { body } =
        yield* readResponse(`<s:Envelope xmlns:s="${namespaces.soap}"><s:Header/><s:Body><c:Config xmlns:c="${namespaces.config}">
        <c:MaxEnvelopeSizekb>4096</c:MaxEnvelopeSizekb><c:MaxTimeoutms>60000</c:MaxTimeoutms><c:MaxBatchItems>32000</c:MaxBatchItems>
        <c:Service><c:MaxConnections>300</c:MaxConnections></c:Service></c:Config></s:Body></s:Envelope>`)
      assert.deepStrictEqual(Result.getOrThrow(readConfig(body)), {
        maxEnvelopeKilobytes: 4096,
        maxTimeoutMillis: 60_000
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
