import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { emptyGuid, MessageType } from "../../../layers/psrp/Message.ts"
import { PipelineState, pipelineState } from "../../../layers/psrp/PipelineMessage.ts"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"
import { secureString } from "../../../layers/psrp/SecureString.ts"
import { cipherOf, ownPublicKey, sealSessionKey } from "../../../layers/psrp/SessionKeyCrypto.ts"
import { encryptedSessionKey } from "../../../layers/psrp/SessionKeyMessage.ts"
import { call, done, failure, messageStep, opening, openPool, type ScriptedWsman, scripted } from "./ScriptedWsman.ts"

const inputOf = (wsman: ScriptedWsman): Array<PsValue> =>
  wsman.messages.filter(({ type }) => type === MessageType.PipelineInput).map(({ data }) => data)

const sends = (wsman: ScriptedWsman): number => wsman.log.filter((line) => line === "send stdin").length

describe("pipeline input", () => {
  it.effect("goes after the command and before the first Receive, and ends", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done] })
      const pool = yield* openPool(wsman)
      const before = wsman.log.length
      const values: Array<PsValue> = [1, "zwei", null, 3n, new Uint8Array([4])]
      const result = yield* pool.invoke([call], { input: Stream.fromIterable(values) })
      assert.deepStrictEqual(result.output, ["ok"])
      assert.deepStrictEqual(wsman.log.slice(before, before + 4), ["command", "send stdin", "send stdin", "receive"])
      assert.isFalse(wsman.created[0]?.noInput)
      assert.deepStrictEqual(inputOf(wsman), values)
      assert.strictEqual(wsman.messages.at(-1)?.type, MessageType.EndOfPipelineInput)
    })
  )

  it.effect("may be empty", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done] })
      const pool = yield* openPool(wsman)
      yield* pool.invoke([call], { input: Stream.empty })
      assert.isFalse(wsman.created[0]?.noInput)
      assert.deepStrictEqual([inputOf(wsman).length, sends(wsman)], [0, 1])
    })
  )

  it.effect("shares envelopes, and is cut where a value is too large for one", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done], maxFragmentBytes: 5000 })
      const pool = yield* openPool(wsman)
      const before = sends(wsman)
      const values: Array<PsValue> = [...Array.from({ length: 300 }, (_, index) => index), "x".repeat(20_000), "end"]
      yield* pool.invoke([call], { input: Stream.fromIterable(values) })
      assert.deepStrictEqual(inputOf(wsman), values)
      assert.isBelow(sends(wsman) - before, 15)
    })
  )

  it.effect("is pulled no faster than the server takes it", () =>
    Effect.gen(function* () {
      let pulled = 0
      const wsman = scripted({
        pipelines: [done],
        overrides: { send: () => Effect.delay(Effect.void, "1 second") }
      })
      const pool = yield* openPool(wsman)
      const input = Stream.range(1, 10).pipe(
        Stream.rechunk(1),
        Stream.tap(() => Effect.sync(() => void pulled++))
      )
      const fiber = yield* Effect.forkChild(pool.invoke([call], { input }))
      yield* TestClock.adjust("3500 millis")
      assert.strictEqual(pulled, 4)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* Fiber.join(fiber)).state, "Completed")
      assert.strictEqual(pulled, 10)
    })
  )

  it.effect("that holds a secret makes the key first", () =>
    Effect.gen(function* () {
      const key = new Uint8Array(32).fill(9)
      const agreed = messageStep(emptyGuid, encryptedSessionKey(sealSessionKey(ownPublicKey(), key)))
      const wsman = scripted({ opening: [...opening, agreed], pipelines: [done] })
      const pool = yield* openPool(wsman)
      const secret = Redacted.make("secret")
      yield* pool.invoke([call], { input: Stream.make<Array<PsValue>>("plain", secureString(secret)) })
      assert.deepStrictEqual(inputOf(wsman), [
        "plain",
        { _tag: "Scalar", type: "SecureString", text: cipherOf(key).encrypt(secret) }
      ])
    })
  )

  it.effect("that cannot be sent leaves the outcome open", () =>
    Effect.gen(function* () {
      const wsman = scripted({ pipelines: [done], overrides: { send: () => Effect.fail(failure) } })
      const pool = yield* openPool(wsman)
      const error = yield* Effect.flip(pool.invoke([call], { input: Stream.make(1) }))
      assert.deepStrictEqual([error._tag, error.sent], ["PsrpTransportFailed", true])
      assert.isTrue(Option.isSome(yield* pool.broken))
    })
  )

  it.effect("that never ends is stopped with its pipeline", () =>
    Effect.gen(function* () {
      const stopped = messageStep(emptyGuid, pipelineState(PipelineState.Stopped))
      const wsman = scripted({ pipelines: [[stopped], done] })
      const pool = yield* openPool(wsman)
      const fiber = yield* Effect.forkChild(pool.invoke([call], { input: Stream.never }))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.interrupt(fiber)
      assert.include(wsman.log, "signal crtl_c")
      assert.deepStrictEqual((yield* pool.invoke([call])).output, ["ok"])
    })
  )
})
