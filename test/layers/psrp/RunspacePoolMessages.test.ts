import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { hostCall } from "../../../layers/psrp/HostCall.ts"
import { warningRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { emptyGuid, MessageType } from "../../../layers/psrp/Message.ts"
import { bag } from "../../../layers/psrp/PsObject.ts"
import { RunspacePoolState, runspacePoolState, sessionCapability } from "../../../layers/psrp/RunspacePoolMessage.ts"
import { anyRecord, call, done, messageStep, opening, openPool, scripted, type Step } from "./ScriptedWsman.ts"

const availability = (ci: bigint, response: boolean) =>
  messageStep(emptyGuid, {
    type: MessageType.RunspaceAvailability,
    data: bag({ SetMinMaxRunspacesResponse: response, ci })
  })

describe("RunspacePool.reset", () => {
  it.effect("asks the pool, pairs the answer with the question, and takes its turn", () =>
    Effect.gen(function* () {
      const wsman = scripted({
        opening: [...opening, availability(1n, true), availability(1n, false), availability(2n, true)],
        pipelines: [done]
      })
      const pool = yield* openPool(wsman)
      yield* Effect.all([pool.invoke([call]), pool.reset, pool.reset], { concurrency: "unbounded", discard: true })
      assert.deepStrictEqual(
        wsman.log.slice(4).filter((line) => !line.startsWith("signal")),
        ["command", "receive", "send stdin", "receive pool", "send stdin", "receive pool", "receive pool"]
      )
      const resets = wsman.messages.filter(({ type }) => type === MessageType.ResetRunspaceState)
      assert.deepStrictEqual(
        resets.map(({ data, pipelineId }) => ({ data, pipelineId })),
        [1n, 2n].map((ci) => ({ data: bag({ ci }), pipelineId: emptyGuid }))
      )
      assert.isTrue(Option.isNone(yield* pool.broken))
    })
  )

  const refused = (opened: ReadonlyArray<Step>, broken: boolean) =>
    Effect.gen(function* () {
      const wsman = scripted({ opening: opened, pipelines: [done] })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(Effect.flip(pool.reset))
      yield* TestClock.adjust("180 seconds")
      const error = yield* Fiber.join(fiber)
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpPoolBroken", false])
      assert.strictEqual(Option.isSome(yield* pool.broken), broken)
    })

  it.effect("makes the pool unusable when the server refuses", () =>
    refused([...opening, availability(1n, false)], true)
  )
  it.effect("makes the pool unusable when the server does not answer", () => refused(opening, true))
  it.effect("makes the pool unusable when it ends meanwhile", () =>
    refused([...opening, messageStep(emptyGuid, runspacePoolState(RunspacePoolState.Closed))], true)
  )
  it.effect("asks nothing of a server of protocol 2.2, whose pool stays usable", () =>
    refused(
      [
        messageStep(
          emptyGuid,
          sessionCapability({ protocolVersion: "2.2", psVersion: "2.0", serializationVersion: "1.1.0.1" }),
          runspacePoolState(RunspacePoolState.Opened)
        )
      ],
      false
    )
  )
})

describe("what a pool says unasked", () => {
  it.effect("a question to the host is refused while opening; other messages are passed over", () =>
    Effect.gen(function* () {
      const question = hostCall({ callId: 3n, method: 11, methodName: "ReadLine", parameters: [] })
      const chatter = hostCall({ callId: -100n, method: 16, methodName: "WriteLine2", parameters: ["hello"] })
      const pool = { type: MessageType.RunspacePoolHostCall }
      const said = messageStep(
        emptyGuid,
        { ...chatter, ...pool },
        { ...question, ...pool },
        warningRecord("slow profile"),
        { type: MessageType.UserEvent, data: bag({ "PSEventArgs.EventIdentifier": 1 }) },
        { type: MessageType.PublicKeyRequest, data: "" },
        { type: 0x0002_1fff, data: null }
      )
      const wsman = scripted({ opening: [...opening.slice(0, 1), said, ...opening.slice(1)], pipelines: [done] })
      const opened = yield* openPool(wsman)
      assert.strictEqual(wsman.log.filter((line) => line === "send pr").length, 1)
      assert.strictEqual(wsman.messages.at(-1)?.type, MessageType.RunspacePoolHostResponse)
      assert.deepStrictEqual((yield* opened.invoke([call])).output, ["ok"])
    })
  )
})

describe("every message that MS-PSRP §2.2.1 knows", () => {
  /** Those end something, or wait for an answer. */
  const meaningful: ReadonlySet<number> = new Set([
    MessageType.PipelineState,
    MessageType.PipelineHostCall,
    MessageType.RunspacePoolHostCall,
    MessageType.RunspacePoolState,
    MessageType.SessionCapability,
    MessageType.PipelineOutput
  ])
  const others = Object.entries(MessageType).filter(([, type]) => !meaningful.has(type))

  it.effect.each(others)(
    "%s, and one without a body, is taken while a command runs and while a pool opens",
    ([, type]) =>
      Effect.gen(function* () {
        const said = messageStep(emptyGuid, { type, data: bag({ Anything: "x" }) }, { type, data: null })
        const wsman = scripted({
          opening: [...opening.slice(0, 1), said, ...opening.slice(1)],
          pipelines: [[said, ...done]]
        })
        const pool = yield* openPool(wsman)
        const result = yield* pool.invoke([call])
        assert.deepStrictEqual([result.state, result.output], ["Completed", ["ok"]])
      })
  )

  it.effect.each(["Broken", "Closed"] as const)("a pool that is %s ends the command that runs", (state) =>
    Effect.gen(function* () {
      const message = "the process was ended"
      const record = { ...anyRecord, message }
      const ended = messageStep(emptyGuid, runspacePoolState(RunspacePoolState[state], record))
      const pool = yield* openPool(scripted({ pipelines: [[ended]] }))
      const error = yield* Effect.flip(pool.invoke([call]))
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpPoolBroken", true])
      assert.include(error.message, message)
      assert.isTrue(Option.isSome(yield* pool.broken))
    })
  )

  it.effect("a pool that says of itself that it is open, or disconnected, ends nothing", () =>
    Effect.gen(function* () {
      const states = [RunspacePoolState.Opened, RunspacePoolState.Disconnected, RunspacePoolState.Connecting]
      const said = messageStep(emptyGuid, ...states.map((state) => runspacePoolState(state)))
      const pool = yield* openPool(scripted({ pipelines: [[said, ...done]] }))
      assert.strictEqual((yield* pool.invoke([call])).state, "Completed")
    })
  )
})

describe("host calls of a pipeline", () => {
  const invoke = (...calls: ReadonlyArray<Parameters<typeof hostCall>[0]>) =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [[messageStep(emptyGuid, ...calls.map(hostCall)), ...done]] })
      const pool = yield* openPool(wsman)
      const exit = yield* Effect.result(pool.invoke([call]))
      return { exit, answers: wsman.log.filter((line) => line === "send pr").length }
    })

  it.effect("to write need no answer", () =>
    Effect.gen(function* () {
      const { exit, answers } = yield* invoke(
        { callId: -100n, method: 16, methodName: "WriteLine2", parameters: ["text"] },
        { callId: -100n, method: 6, methodName: "SetShouldExit", parameters: [3] }
      )
      assert.deepStrictEqual([exit._tag, answers], ["Success", 0])
    })
  )

  it.effect("to look at a console are refused, and the pipeline goes on", () =>
    Effect.gen(function* () {
      const { exit, answers } = yield* invoke(
        { callId: 1n, method: 50, methodName: "GetBufferContents", parameters: [] },
        { callId: 2n, method: 45, methodName: "GetKeyAvailable", parameters: [] }
      )
      assert.deepStrictEqual([exit._tag, answers], ["Success", 2])
    })
  )

  it.effect.each([11, 12, 23, 24, 25, 26, 46, 56])("that ask a user (%i) fail with the first question", (method) =>
    Effect.gen(function* () {
      const { exit, answers } = yield* invoke(
        { callId: 1n, method, methodName: "Ask", parameters: ["Confirm", "Remove the VM?", 7] },
        { callId: 2n, method, methodName: "Ask", parameters: ["again"] }
      )
      assert.strictEqual(answers, 2)
      assert.isTrue(exit._tag === "Failure" && exit.failure._tag === "PsrpPromptRefused")
      if (exit._tag === "Failure") assert.include(exit.failure.message, "Confirm Remove the VM?")
    })
  )
})
