import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { type ErrorRecord, errorRecordFromPs } from "../../../layers/psrp/ErrorRecord.ts"
import { concatBytes, Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { hostCall } from "../../../layers/psrp/HostCall.ts"
import { informationRecord, progressRecord, warningRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { decodeMessage, encodeMessage, type MessageBody, MessageType } from "../../../layers/psrp/Message.ts"
import {
  errorRecord,
  pipelineInput,
  pipelineOutput,
  PipelineState,
  pipelineState,
  readPipelineState
} from "../../../layers/psrp/PipelineMessage.ts"
import { array, bag, hashtable, property } from "../../../layers/psrp/PsObject.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { scrubber } from "../../../layers/psrp/RedactedText.ts"
import * as Redaction from "../../../layers/psrp/Redaction.ts"
import { credential, secureString } from "../../../layers/psrp/SecureString.ts"
import { cipherOf } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey, publicKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { powershellResource } from "../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import { writeRequest } from "../../../layers/wsman/SoapRequest.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import { readReceived, readResponse } from "../../../layers/wsman/SoapResponseReader.ts"
import type { TappedExchange } from "../../../layers/wsman/WireTap.ts"
import { Unavailable } from "../../../layers/wsman/WsmanError.ts"
import type * as WireRecord from "../../../schemas/WireRecord.ts"
import { found } from "./Planted.ts"

const shellId = "11111111-1111-4111-8111-111111111111"
const poolId = shellId
const ours = "22222222-2222-4222-8222-222222222222"
const theirs = "33333333-3333-4333-8333-333333333333"
const messageId = "uuid:44444444-4444-4444-8444-444444444444"
const cipher = cipherOf(new Uint8Array(32).fill(3))

const ourScript = "function Get-CapsThing { 'ours' }"

const redaction = (...secrets: ReadonlyArray<string>) =>
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

const exchange = (operation: Operation, answer: Answer): TappedExchange => ({
  lane: "data",
  startedAt: 0,
  millis: 1,
  request: envelope(operation),
  status: 200,
  outcome: Exit.succeed(answered(answer))
})

const stream = (data: Uint8Array, commandId?: string) => ({
  name: "stdin",
  ...(commandId === undefined ? {} : { commandId }),
  data
})

/** A message to the server, in as many Sends as it has fragments, a Command first where it makes a pipeline. */
const said = (pipelineId: string, body: MessageBody, size?: number): ReadonlyArray<TappedExchange> =>
  fragments("server", pipelineId, body, size).map((data, index) =>
    index === 0 && body.type === MessageType.CreatePipeline
      ? exchange(
          { _tag: "Command", commandId: pipelineId, arguments: data },
          { _tag: "CommandStarted", commandId: pipelineId }
        )
      : exchange({ _tag: "Send", streams: [stream(data, pipelineId)] }, { _tag: "Sent" })
  )

/** A message from the server, a fragment to each Receive. */
const heard = (pipelineId: string, body: MessageBody, size?: number): ReadonlyArray<TappedExchange> =>
  fragments("client", pipelineId, body, size).map((data) =>
    exchange(
      { _tag: "Receive", commandId: pipelineId, streams: ["stdout"] },
      { _tag: "Received", streams: [{ name: "stdout", commandId: pipelineId, data }], commandId: pipelineId }
    )
  )

const command = (name: string, parameters: Readonly<Record<string, PsValue>>, isScript = false) =>
  createPipeline({
    statements: [
      [{ name, isScript, parameters: Object.entries(parameters).map(([key, value]) => ({ name: key, value })) }]
    ],
    noInput: true
  })

const record = (changes: Partial<ErrorRecord>): ErrorRecord => ({
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

const lines = Effect.fnUntraced(function* (it: Redaction.Redaction, exchanges: ReadonlyArray<TappedExchange>) {
  const taken: Array<WireRecord.Exchange> = []
  for (const tapped of exchanges) taken.push(...(yield* it.take(tapped)))
  return [...taken, ...it.end()]
})

/** The messages that a recording's requests or answers hold. */
const messagesOf = Effect.fnUntraced(function* (
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

const Secret = Schema.String.check(Schema.isPattern(/^[!-~äß漢]{12,40}$/u))

describe("a recorded exchange", () => {
  it.effect("shows what our own functions are given and answer", () =>
    Effect.gen(function* () {
      const recorded = yield* lines(redaction(), [
        ...said(ours, command("Get-CapsThing", { Id: "a-guid", Count: 7, Tags: array(["x"]) })),
        ...heard(ours, pipelineOutput('{"Name":"vm"}')),
        ...heard(ours, errorRecord(record({ message: "there is no thing" }))),
        ...heard(ours, pipelineState(PipelineState.Completed))
      ])
      assert.deepStrictEqual(
        recorded.map(({ operation, commandId, messages }) => [operation, commandId, ...messages]),
        [
          ["Command", ours, "CreatePipeline Get-CapsThing"],
          ["Receive", ours, "PipelineOutput"],
          ["Receive", ours, "ErrorRecord"],
          ["Receive", ours, "PipelineState"]
        ]
      )
      const [create] = yield* messagesOf(recorded, "request")
      const pipeline = Result.getOrThrow(readCreatePipeline(create?.data ?? null))
      assert.deepStrictEqual(pipeline.statements[0]?.[0]?.parameters.slice(0, 2), [
        { name: "Id", value: "a-guid" },
        { name: "Count", value: 7 }
      ])
      const [output, error, state] = yield* messagesOf(recorded, "answer")
      assert.strictEqual(output?.data, '{"Name":"vm"}')
      assert.strictEqual(errorRecordFromPs(error?.data ?? null).message, "there is no thing")
      assert.strictEqual(Result.getOrThrow(readPipelineState(state?.data ?? null)).state, PipelineState.Completed)
    })
  )

  it.effect("says of what it leaves out what it was, and how large", () =>
    Effect.gen(function* () {
      const recorded = yield* lines(redaction(), [
        ...said(
          ours,
          command("Get-CapsThing", {
            Credential: credential("EXAMPLE\\capi", Redacted.make("hidden")),
            Data: new Uint8Array(90_000),
            AdminPassword: "hidden"
          })
        ),
        ...said(theirs, command("Add-Site", { Spec: "a text", All: true, Map: hashtable([["a", "b"]]) })),
        ...said(theirs, command("$x = 1", {}, true)),
        ...said(ours, pipelineInput("a text"))
      ])
      const messages = yield* messagesOf(recorded, "request")
      const parameters = messages.map(({ data }) => {
        const [[first] = []] = Result.getOrElse(
          Result.map(readCreatePipeline(data), ({ statements }) => statements),
          () => []
        )
        return first === undefined ? data : [first.name, ...first.parameters.map(({ value }) => value)]
      })
      assert.deepStrictEqual(parameters.slice(1), [
        ["Add-Site", "[String of 6 characters]", "[Boolean]", "[Dictionary of 1 entry]"],
        ["[script of 6 characters]"],
        "[String of 6 characters]"
      ])
      const [, account, data, password] = Array.isArray(parameters[0]) ? parameters[0] : []
      assert.strictEqual(data, "[Byte[] of 90000 bytes]")
      assert.strictEqual(password, "[String of 6 characters]")
      assert.strictEqual(property(account ?? null, "Password"), "[SecureString]")
      assert.strictEqual(property(account ?? null, "UserName"), "EXAMPLE\\capi")
    })
  )

  it.effect("keeps number, ids and order of fragments, and waits until their message is whole", () =>
    Effect.gen(function* () {
      const it = redaction()
      const exchanges = said(ours, command("Get-CapsThing", { Data: new Uint8Array(9000) }), 2000)
      assert.isAbove(exchanges.length, 5)
      const recorded: Array<WireRecord.Exchange> = []
      for (const tapped of exchanges) {
        assert.deepStrictEqual(recorded, [])
        recorded.push(...(yield* it.take(tapped)))
      }
      assert.strictEqual(recorded.length, exchanges.length)
      assert.deepStrictEqual(recorded.at(-1)?.messages, ["CreatePipeline Get-CapsThing"])
      assert.strictEqual((yield* messagesOf(recorded, "request")).length, 1)
    })
  )

  it.effect("that cannot be read shows its size alone", () =>
    Effect.gen(function* () {
      const half = said(ours, command("Get-CapsThing", { Data: new Uint8Array(9000) }), 2000).slice(0, 2)
      const recorded = yield* lines(redaction(), [
        exchange(
          { _tag: "Send", streams: [stream(new TextEncoder().encode("no fragments at all"))] },
          { _tag: "Sent" }
        ),
        { ...exchange({ _tag: "Get" }, { _tag: "Sent" }), outcome: Exit.succeed("<html>a proxy's page</html") },
        { ...exchange({ _tag: "Get" }, { _tag: "Sent" }), request: "not XML" },
        ...half
      ])
      const [foreign, page, request, first, second] = recorded
      assert.deepStrictEqual(foreign?.withheld, ["19 bytes that are no fragments"])
      assert.strictEqual(page?.answer, "")
      assert.deepStrictEqual(page?.withheld, ["26 characters that are no envelope"])
      assert.strictEqual(request?.request, "")
      assert.match(first?.withheld?.[0] ?? "", /^object \d+, fragment 0: 1979 bytes$/u)
      assert.match(second?.withheld?.[0] ?? "", /^object \d+, fragment 1: 1979 bytes$/u)
    })
  )

  it.effect("that was not answered says why", () =>
    Effect.gen(function* () {
      const tapped = exchange({ _tag: "Get" }, { _tag: "Sent" })
      const recorded = yield* lines(redaction("a-password"), [
        { ...tapped, status: undefined, outcome: Exit.failCause(Cause.interrupt(1)) },
        {
          ...tapped,
          status: undefined,
          outcome: Exit.fail(new Unavailable({ kind: "reset", detail: "lost by a-password", sent: true }))
        }
      ])
      assert.deepStrictEqual(
        recorded.map(({ status, answer, unanswered, failure }) => ({ status, answer, unanswered, failure })),
        [
          { status: undefined, answer: undefined, unanswered: "interrupted", failure: undefined },
          {
            status: undefined,
            answer: undefined,
            unanswered: "failed",
            failure: "WsmanUnavailable: lost by [redacted]"
          }
        ]
      )
    })
  )

  it.effect("tells one of our errors of a foreign command by its id, and nothing else of it", () =>
    Effect.gen(function* () {
      const its = (fullyQualifiedErrorId: string) => [
        ...said(theirs, command("Add-Site", {})),
        ...heard(theirs, pipelineState(PipelineState.Failed, record({ fullyQualifiedErrorId, message: "told" })))
      ]
      const told = yield* messagesOf(
        yield* lines(redaction(), [...its("ThingNotFound,Get-CapsThing"), ...its("a thrown text")]),
        "answer"
      )
      const errors = told.map(({ data }) => Result.getOrThrow(readPipelineState(data)))
      assert.deepStrictEqual(
        errors.map(({ state, error }) => [state, error?.fullyQualifiedErrorId, error?.message, error?.category]),
        [
          [PipelineState.Failed, "ThingNotFound,Get-CapsThing", "[String of 4 characters]", 7],
          [PipelineState.Failed, "[String of 13 characters]", "[String of 4 characters]", 7]
        ]
      )
    })
  )

  it.effect.prop(
    "shows no secret, wherever it was, in whatever form, however it was cut",
    { secret: Secret, size: Schema.Int.check(Schema.isBetween({ minimum: 300, maximum: 6000 })), turn: Schema.Int },
    Effect.fnUntraced(function* ({ secret, size, turn }) {
      const medium = Buffer.from(`#cloud-config\npassword: ${secret}\n`.repeat(8))
      const text = `'${secret}' is not valid`
      /** What it is only known to be by where it stands. */
      const unknown: ReadonlyArray<TappedExchange> = [
        ...said(ours, command("Get-CapsThing", { Data: medium.subarray(Math.abs(turn) % 7) }), size),
        ...said(
          ours,
          command("Get-CapsThing", { Password: secret, Who: credential("me", Redacted.make(secret)) }),
          size
        ),
        ...said(
          ours,
          command("Get-CapsThing", {
            Map: hashtable([
              ["ApiKey", secret],
              ["x", secureString(Redacted.make(secret))]
            ])
          }),
          size
        ),
        ...said(theirs, command(`$env:X = '${secret}'`, { X: secret }, true), size),
        ...said(
          theirs,
          command("Add-Site", { Spec: array([hashtable([["a", secret]])]), Text: secret, Bytes: medium }),
          size
        ),
        ...said(theirs, pipelineInput(secret), size),
        ...said(ours, pipelineInput(bag({ Value: secret })), size),
        ...said(theirs, { type: MessageType.PipelineHostResponse, data: bag({ ci: 1n, mr: secret }) }, size),
        ...heard(theirs, pipelineOutput(secret), size),
        ...heard(
          theirs,
          errorRecord(
            record({
              message: text,
              fullyQualifiedErrorId: secret,
              targetObject: bag({ [secret]: secret })
            })
          ),
          size
        ),
        ...heard(
          theirs,
          pipelineState(
            PipelineState.Failed,
            record({ message: text, details: text, scriptStackTrace: text, targetName: secret })
          ),
          size
        ),
        ...heard(theirs, warningRecord(text), size),
        ...heard(
          theirs,
          informationRecord(
            { messageData: secret, source: text, tags: [secret] },
            { timeGenerated: "2026-01-01T00:00:00Z", user: secret, computer: secret }
          ),
          size
        ),
        ...heard(
          theirs,
          progressRecord({
            activity: text,
            activityId: 1,
            parentActivityId: -1,
            statusDescription: secret,
            percentComplete: 1,
            secondsRemaining: 1,
            completed: false
          }),
          size
        ),
        ...heard(theirs, hostCall({ callId: 1n, method: 12, methodName: "Prompt", parameters: [secret] }), size),
        ...heard(
          theirs,
          {
            type: MessageType.UserEvent,
            data: bag({
              "UserEvent.EventArgs": secret,
              other: text,
              link: { _tag: "Scalar", type: "Uri", text: secret }
            })
          },
          size
        ),
        exchange({ _tag: "Send", streams: [stream(Buffer.from(text), ours)] }, { _tag: "Sent" }),
        { ...exchange({ _tag: "Get" }, { _tag: "Sent" }), outcome: Exit.succeed(`<html>${secret}`) },
        // Never whole.
        ...said(ours, command("Get-CapsThing", { Data: medium, Text: secret }), 100).slice(0, -1),
        ...heard(ours, { type: 0x0004_1099, data: secret }, size)
      ]
      /** Texts that are shown but for it. */
      const known: ReadonlyArray<TappedExchange> = [
        ...said(ours, command("Get-CapsThing", { Name: text, Tags: array([secret]) }), size),
        ...heard(ours, pipelineOutput(JSON.stringify({ text, inner: Buffer.from(text).toString("base64") })), size),
        ...heard(
          ours,
          errorRecord(
            record({ message: `<S>${text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</S>`, targetObject: secret })
          ),
          size
        ),
        ...heard(
          ours,
          errorRecord(
            record({
              message: Buffer.from(` ${secret}`, "utf16le").toString("base64"),
              reason: Buffer.from(secret).toString("hex")
            })
          ),
          size
        ),
        ...heard(ours, warningRecord(text), size),
        exchange(
          { _tag: "Get" },
          { _tag: "Fault", fault: { subcode: "w:AccessDenied", text, code: 5, machine: secret } }
        ),
        {
          ...exchange({ _tag: "Get" }, { _tag: "Sent" }),
          outcome: Exit.fail(new Unavailable({ kind: "other", detail: text, sent: true }))
        }
      ]
      const structural = yield* lines(redaction(), [
        ...said(ours, command("Get-CapsThing", {})),
        ...said(theirs, command("Add-Site", {})),
        ...unknown
      ])
      assert.strictEqual(structural.length, unknown.length + 2)
      assert.deepStrictEqual(found(JSON.stringify(structural), secret), [])
      const all = yield* lines(redaction(secret), [...said(ours, command("Get-CapsThing", {})), ...unknown, ...known])
      assert.deepStrictEqual(found(JSON.stringify(all), secret), [])
    }),
    { arbitrary: { runs: 10 } }
  )

  it.effect("of our command in a pipeline with another one is the other's", () =>
    Effect.gen(function* () {
      const both = createPipeline({
        statements: [
          [
            { name: "Get-CapsThing", isScript: false, parameters: [{ name: "Id", value: "shown" }] },
            { name: "Add-Site", isScript: false, parameters: [] }
          ]
        ],
        noInput: true
      })
      const recorded = yield* lines(redaction(), [...said(ours, both), ...heard(ours, pipelineOutput("hidden"))])
      assert.deepStrictEqual(recorded[0]?.messages, ["CreatePipeline Get-CapsThing | Add-Site"])
      assert.deepStrictEqual(
        (yield* messagesOf(recorded, "answer")).map(({ data }) => data),
        ["[String of 6 characters]"]
      )
    })
  )

  it.effect("shows no key", () =>
    Effect.gen(function* () {
      const modulus = new Uint8Array(256).map((_, at) => at)
      const sealed = new Uint8Array(256).map((_, at) => 255 - at)
      const recorded = yield* lines(redaction(), [
        ...said(ours, publicKey({ modulus, exponent: 65_537 })),
        ...heard(ours, encryptedSessionKey(sealed))
      ])
      const text = JSON.stringify(recorded)
      const bytes = [...text.matchAll(/[A-Za-z0-9+/]{16,}/gu)].map(([run]) =>
        Buffer.from(run, "base64").toString("latin1")
      )
      assert.deepStrictEqual(
        recorded.flatMap(({ messages }) => messages),
        ["PublicKey", "EncryptedSessionKey"]
      )
      assert.isTrue(bytes.some((it) => it.includes("[String of 368 characters]")))
      assert.isFalse(bytes.some((it) => /[A-Za-z0-9+/]{100}/u.test(it)))
    })
  )
})
