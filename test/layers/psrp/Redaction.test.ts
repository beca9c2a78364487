/** What a recording shows of our own functions and of foreign commands, and how it says what it leaves out. */
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createPipeline, readCreatePipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { errorRecordFromPs } from "../../../layers/psrp/ErrorRecord.ts"
import {
  errorRecord,
  pipelineInput,
  pipelineOutput,
  PipelineState,
  pipelineState,
  readPipelineState
} from "../../../layers/psrp/PipelineMessage.ts"
import { array, hashtable, property } from "../../../layers/psrp/PsObject.ts"
import { credential } from "../../../layers/psrp/SecureString.ts"
import { Unavailable } from "../../../layers/wsman/WsmanError.ts"
import type * as WireRecord from "../../../schemas/WireRecord.ts"
import {
  ours,
  theirs,
  redaction,
  exchange,
  stream,
  said,
  heard,
  command,
  record,
  lines,
  messagesOf
} from "./TappedExchanges.ts"

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
})
