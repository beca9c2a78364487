import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { hostCall } from "../../../layers/psrp/HostCall.ts"
import { progressRecord } from "../../../layers/psrp/InformationalRecord.ts"
import { emptyGuid, MessageType } from "../../../layers/psrp/Message.ts"
import {
  runspacePoolState,
  RunspacePoolState,
  readSessionCapability
} from "../../../layers/psrp/RunspacePoolMessage.ts"
import { Unavailable } from "../../../layers/wsman/WsmanError.ts"
import { anyRecord, call, done, failure, messageStep, opening, openPool, scripted } from "./ScriptedWsman.ts"

const record = { ...anyRecord, message: "m" }

describe("RunspacePool.open", () => {
  it.effect("negotiates 2.3, opens, and deletes the shell when released", () =>
    Effect.gen(function* () {
      const wsman = scripted({})
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pool = yield* openPool(wsman)
          assert.strictEqual(pool.psVersion, "7.6.5")
          assert.match(pool.shellId, /^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$/)
          assert.deepStrictEqual(
            wsman.messages.map(({ type, runspacePoolId }) => ({ type, runspacePoolId })),
            [MessageType.SessionCapability, MessageType.InitRunspacePool].map((type) => ({
              type,
              runspacePoolId: pool.shellId.toLowerCase()
            }))
          )
          assert.deepStrictEqual(Result.getOrThrow(readSessionCapability(wsman.messages[0]?.data ?? null)), {
            protocolVersion: "2.3",
            psVersion: "2.0",
            serializationVersion: "1.1.0.1"
          })
          assert.isTrue(Option.isNone(yield* pool.broken))
        })
      )
      assert.deepStrictEqual(wsman.log, ["create", "receive pool", "receive pool", "receive pool", "delete"])
    })
  )

  it.effect("leaves no Delete behind a Create that was refused", () =>
    Effect.gen(function* () {
      const refused = new Unavailable({ kind: "refused", detail: "refused", sent: false })
      const wsman = scripted({ overrides: { create: () => Effect.fail(refused) } })
      const error = yield* Effect.flip(Effect.scoped(openPool(wsman)))
      assert.strictEqual(error, refused)
      assert.deepStrictEqual(wsman.log, ["create"])
    })
  )

  it.effect("deletes the shell of a Create whose answer was lost", () =>
    Effect.gen(function* () {
      const wsman = scripted({ overrides: { create: () => Effect.fail(failure) } })
      assert.strictEqual(yield* Effect.flip(Effect.scoped(openPool(wsman))), failure)
      assert.deepStrictEqual(wsman.log, ["create", "delete"])
    })
  )

  it.effect("fails with the server's record when the pool breaks while opening, and deletes the shell", () =>
    Effect.gen(function* () {
      const wsman = scripted({
        opening: [
          messageStep(emptyGuid, runspacePoolState(RunspacePoolState.Broken, { ...record, message: "no memory" }))
        ]
      })
      const error = yield* Effect.flip(Effect.scoped(openPool(wsman)))
      assert.strictEqual(error._tag, "PsrpPoolBroken")
      assert.match(error.message, /no memory/)
      assert.strictEqual(wsman.log.at(-1), "delete")
    })
  )

  it.effect("gives up on a server that never opens", () =>
    Effect.gen(function* () {
      const wsman = scripted({ opening: opening.slice(0, 1) })
      const fiber = yield* Effect.forkChild(Effect.flip(Effect.scoped(openPool(wsman))))
      yield* TestClock.adjust("179 seconds")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "PsrpPoolBroken")
    })
  )

  it.effect("does not wait longer than 5 s for the Delete", () =>
    Effect.gen(function* () {
      const wsman = scripted({ overrides: { delete: () => Effect.never } })
      const fiber = yield* Effect.forkChild(Effect.scoped(openPool(wsman)))
      yield* TestClock.adjust("4999 millis")
      assert.isUndefined(fiber.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
    })
  )
})

describe("RunspacePool.invoke", () => {
  it.effect("costs one Command and one Receive when the answer comes in one piece", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done] })
      const pool = yield* openPool(wsman)
      const before = wsman.log.length
      const result = yield* pool.invoke([call])
      assert.deepStrictEqual(result.output, ["ok"])
      assert.deepStrictEqual(wsman.log.slice(before, before + 2), ["command", "receive"])
      assert.deepStrictEqual(wsman.created, [
        {
          statements: [
            [
              {
                name: "Get-Thing",
                isScript: false,
                parameters: [
                  { name: "Name", value: "vm" },
                  { name: "Count", value: 3 }
                ]
              }
            ]
          ],
          noInput: true
        }
      ])
    })
  )

  it.effect("goes by the command id that the server answers", () =>
    Effect.gen(function* () {
      const ids: Array<string> = []
      const wsman = scripted({
        pipelines: [done],
        maxFragmentBytes: 2000,
        overrides: {
          command: () => Effect.succeed({ commandId: "THEIRS" }),
          send: (_shellId, _stream, _data, commandId) => Effect.sync(() => void ids.push(commandId ?? "")),
          signal: (_shellId, commandId) => Effect.sync(() => void ids.push(commandId))
        }
      })
      const pool = yield* openPool(wsman)
      assert.strictEqual((yield* pool.invoke([call])).state, "Completed")
      yield* Effect.yieldNow
      assert.isAbove(ids.length, 1)
      assert.isTrue(ids.every((id) => id === "THEIRS"))
    })
  )

  it.effect("sends what does not fit into the Command, in order", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done], maxFragmentBytes: 2000 })
      const pool = yield* openPool(wsman)
      const text = "abcdé".repeat(4000)
      yield* pool.invoke([{ name: "param($s) $s", isScript: true, parameters: { s: text } }])
      assert.isAbove(wsman.log.filter((line) => line === "send stdin").length, 9)
      assert.strictEqual(wsman.created[0]?.statements[0]?.[0]?.parameters[0]?.value, text)
    })
  )

  it.effect("receives again after each OperationTimeout, and skips messages that it does not know", () =>
    Effect.gen(function* () {
      const odd = messageStep(emptyGuid, { type: 0x00041fff, data: "what is this" })
      const wsman = scripted({ pipelines: [[{ streams: [] }, { streams: [], state: "Running" }, odd, ...done]] })
      const pool = yield* openPool(wsman)
      assert.strictEqual((yield* pool.invoke([call])).state, "Completed")
      assert.strictEqual(wsman.log.filter((line) => line === "receive").length, 4)
    })
  )

  it.effect("reports progress as it arrives", () =>
    Effect.gen(function* () {
      const progress = progressRecord({
        activity: "Create",
        activityId: 1,
        parentActivityId: -1,
        statusDescription: "half",
        percentComplete: 50,
        secondsRemaining: -1,
        completed: false
      })
      const wsman = scripted({ pipelines: [[messageStep(emptyGuid, progress), ...done]] })
      const pool = yield* openPool(wsman)
      const seen: Array<number> = []
      yield* pool.invoke([call], {
        onProgress: (progressed) => Effect.sync(() => void seen.push(progressed.percentComplete))
      })
      assert.deepStrictEqual(seen, [50])
    })
  )

  it.effect("refuses a question and fails with its text; the pool goes on", () =>
    Effect.gen(function* () {
      const question = hostCall({ callId: 7n, method: 11, methodName: "ReadLine", parameters: ["Really delete?"] })
      const wsman = scripted({ pipelines: [[messageStep(emptyGuid, question), ...done], done] })
      const pool = yield* openPool(wsman)
      const error = yield* Effect.flip(pool.invoke([call]))
      assert.strictEqual(error._tag, "PsrpPromptRefused")
      assert.match(error.message, /Really delete\?/)
      assert.isTrue(wsman.log.includes("send pr"))
      assert.strictEqual(wsman.messages.at(-1)?.type, MessageType.PipelineHostResponse)
      assert.strictEqual((yield* pool.invoke([call])).state, "Completed")
    })
  )

  it.effect("does not wait for the Terminate; the Delete does", () =>
    Effect.gen(function* () {
      const wsman = scripted({
        pipelines: [done],
        overrides: { signal: () => Effect.delay(Effect.void, "1900 millis") }
      })
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(openPool(wsman), scope)
      yield* pool.invoke([call])
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(wsman.log.at(-1), "signal Terminate")
      yield* TestClock.adjust("900 millis")
      yield* Fiber.join(closing)
      assert.strictEqual(wsman.log.at(-1), "delete")
    })
  )

  it.effect("deletes the shell although a Terminate hangs", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done], overrides: { signal: () => Effect.never } })
      const scope = yield* Scope.make()
      const pool = yield* Scope.provide(openPool(wsman), scope)
      yield* pool.invoke([call])
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(closing)
      assert.strictEqual(wsman.log.at(-1), "delete")
    })
  )

  it.effect("runs one pipeline at a time", () =>
    Effect.gen(function* () {
      const wsman = scripted({
        pipelines: [done, done, done],
        overrides: {
          command: (_shellId, commandId) => Effect.delay(Effect.succeed({ commandId }), "1 second")
        }
      })
      const pool = yield* openPool(wsman)
      const before = wsman.log.length
      const all = yield* Effect.forkChild(
        Effect.all([pool.invoke([call]), pool.invoke([call]), pool.invoke([call])], { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(all)
      assert.deepStrictEqual(
        wsman.log.slice(before).filter((line) => line === "command" || line === "receive"),
        ["command", "receive", "command", "receive", "command", "receive"]
      )
    })
  )
})
