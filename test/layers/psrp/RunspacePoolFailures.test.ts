import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as TestClock from "effect/testing/TestClock"
import { inTime } from "../../harness/VirtualTime.ts"
import { Unavailable } from "../../../layers/wsman/WsmanError.ts"
import { readRecording } from "./Recording.ts"
import { emptyGuid } from "../../../layers/psrp/Message.ts"
import { pipelineOutput } from "../../../layers/psrp/PipelineMessage.ts"
import {
  call,
  done,
  failure,
  messageStep,
  openPool,
  recordedSteps,
  type Script,
  scripted,
  type Step
} from "./ScriptedWsman.ts"

describe("failures of RunspacePool.invoke", () => {
  const broken = (script: Partial<Script>, tag: string, sent: boolean) =>
    Effect.gen(function* () {
      const wsman = scripted(script)
      const pool = yield* openPool(wsman)
      const error = yield* Effect.flip(pool.invoke([call]))
      assert.strictEqual(error._tag, tag)
      assert.strictEqual(error.sent, sent)
      assert.isTrue(Option.isSome(yield* pool.broken))
      const before = wsman.log.length
      const next = yield* Effect.flip(pool.invoke([call]))
      assert.deepStrictEqual([next._tag, next.sent], ["PsrpPoolBroken", false])
      assert.strictEqual(wsman.log.length, before)
    })

  it.effect("a Receive that fails leaves the outcome open", () =>
    broken({ pipelines: [[failure]] }, "PsrpTransportFailed", true)
  )
  it.effect("a Command whose fate is unknown leaves the outcome open", () =>
    broken({ pipelines: [[]], overrides: { command: () => Effect.fail(failure) } }, "PsrpTransportFailed", true)
  )
  it.effect("a Command that was refused did nothing", () =>
    broken(
      {
        pipelines: [[]],
        overrides: { command: () => Effect.fail(new Unavailable({ kind: "refused", detail: "refused", sent: false })) }
      },
      "PsrpTransportFailed",
      false
    )
  )
  it.effect("bytes that are no fragments", () =>
    broken(
      { pipelines: [[{ streams: [{ name: "stdout", data: new Uint8Array(64).fill(7) }] }]] },
      "PsrpProtocolViolation",
      true
    )
  )
  it.effect("more output than one command may have", () =>
    broken(
      {
        pipelines: [
          // More than the limit, of messages that are in order.
          Array.from({ length: 60 }, (): Step => messageStep(emptyGuid, pipelineOutput("a".repeat(900_000))))
        ]
      },
      "PsrpOutputTooLarge",
      true
    )
  )
  it.effect("a command that ends without a state", () =>
    broken({ pipelines: [[{ streams: [], state: "Done" }]] }, "PsrpProtocolViolation", true)
  )

  it.effect("a Terminate that fails makes the pool unusable, not the call", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done, done], overrides: { signal: () => Effect.fail(failure) } })
      const pool = yield* openPool(wsman)
      assert.strictEqual((yield* pool.invoke([call])).state, "Completed")
      yield* Effect.yieldNow
      assert.strictEqual((yield* Effect.flip(pool.invoke([call])))._tag, "PsrpPoolBroken")
    })
  )
})

describe("interruption of RunspacePool.invoke", () => {
  const stop = readRecording("stop")
  const first = stop.calls[0]?.seen.pipeline ?? ""
  const [started, stopped] = recordedSteps(stop, first)

  it.effect("stops the pipeline as PowerShell's client does, and the pool goes on", () =>
    Effect.gen(function* () {
      const running: Array<Step> = started === undefined ? [] : [started, "silence"]
      if (stopped !== undefined) running.push(stopped)
      const wsman = scripted({ pipelines: [running, done] })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(pool.invoke([call]))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(wsman.log.slice(4), [
        "command",
        "receive",
        "receive",
        "signal crtl_c",
        "receive",
        "signal Terminate"
      ])
      assert.isTrue(Option.isNone(yield* pool.broken))
      assert.deepStrictEqual((yield* pool.invoke([call])).output, ["ok"])
    })
  )

  it.effect("terminates a pipeline that does not stop within 5 s", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [["silence", "silence"], done] })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(pool.invoke([call]))
      yield* TestClock.adjust("1 second")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("4999 millis")
      assert.strictEqual(wsman.log.at(-1), "receive")
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(interrupting)
      assert.strictEqual(wsman.log.at(-1), "signal Terminate")
      assert.deepStrictEqual((yield* pool.invoke([call])).output, ["ok"])
    })
  )

  it.effect("gives the pool up when the Command was not answered: it may still arrive", () =>
    Effect.gen(function* () {
      const wsman = scripted({ overrides: { command: () => Effect.never } })
      const pool = yield* openPool(wsman)
      const running = yield* Effect.forkChild(pool.invoke([call]))
      yield* Effect.yieldNow
      yield* inTime(Fiber.interrupt(running))
      assert.isTrue(Option.isSome(yield* pool.broken))
      assert.isTrue(
        wsman.log.some((line) => line.includes("Terminate")),
        wsman.log.join("\n")
      )
    })
  )

  it.effect("gives the pool up when even the Terminate is not answered", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [["silence"]], overrides: { signal: () => Effect.never } })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(pool.invoke([call]))
      yield* TestClock.adjust("1 second")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.join(interrupting)
      assert.isTrue(Option.isSome(yield* pool.broken))
    })
  )
})
