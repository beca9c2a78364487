/** What it costs to keep an idle pool warm, by a pool-level Receive or by a check before use: docs/decisions/0007-keep-warm.md. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { open, type Invocation } from "../../../layers/psrp/RunspacePool.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { listen } from "../wsman/SimulatedListener.ts"

const echo: Invocation = { name: "Write-Output", parameters: { "-InputObject": "warm" } }

/** A Windows that disconnects what nobody asks anything of for two minutes, a millisecond away. */
const opened = Effect.gen(function* () {
  const listener = yield* listen({ quotas: { disconnectIdleSeconds: 120 } })
  const wsman = yield* listener.client
  const pool = yield* open(wsman, { idleTimeoutSeconds: 7200, name: "caps" })
  yield* pool.invoke([echo])
  listener.disturb([{ disturbance: { _tag: "Delay", seconds: 0.001 } }])
  return { listener, wsman, pool }
})

/** On a client of its own: on either lane of the pool's it would hold up what else goes over it. */
const outstandingReceive = Effect.fnUntraced(function* (
  { client }: Effect.Success<typeof opened>["listener"],
  shellId: string
) {
  const third = yield* client
  const loop = Effect.forever(third.receive(shellId))
  return { exchanges: third.exchanges, fiber: yield* Effect.forkScoped(Effect.flip(loop)) }
})

const idle = (minutes: number) =>
  Effect.gen(function* () {
    // Not at once: a Receive times out on both sides in its turn.
    for (let minute = 0; minute < minutes; minute++) yield* Effect.sleep("1 minute")
  })

const millis = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* effect
    return (yield* Clock.currentTimeMillis) - began
  })

describe("an idle pool", () => {
  it.effect(
    "with a pool-level Receive: an exchange for every operation timeout, and nothing before the next call",
    () =>
      Effect.gen(function* () {
        const { listener, wsman, pool } = yield* opened
        const { exchanges } = yield* outstandingReceive(listener, pool.shellId)
        const before = yield* wsman.exchanges
        yield* idle(10)
        // The operation timeout here is 20 s; at the provider's default of 60 s it is a third of this.
        assert.closeTo(yield* exchanges, 30, 1)
        assert.strictEqual((yield* wsman.exchanges) - before, 0)
        assert.strictEqual((yield* wsman.get(pool.shellId)).state, "Connected")
        const warm = yield* wsman.exchanges
        yield* pool.invoke([echo])
        assert.strictEqual((yield* wsman.exchanges) - warm - 1, 2)
      }).pipe(Effect.scoped, inTime)
  )

  it.effect("with a check before use: no exchange while it is idle, and one or two before the next call", () =>
    Effect.gen(function* () {
      const { wsman, pool } = yield* opened
      const used = (minutes: number) =>
        Effect.gen(function* () {
          const before = yield* wsman.exchanges
          yield* idle(minutes)
          assert.strictEqual((yield* wsman.exchanges) - before, 0)
          const took = yield* millis(pool.check)
          const checked = (yield* wsman.exchanges) - before
          assert.deepStrictEqual((yield* pool.invoke([echo])).output, ["warm"])
          return { checked, took }
        })
      assert.deepStrictEqual(yield* used(1), { checked: 1, took: 1 })
      assert.deepStrictEqual(yield* used(10), { checked: 2, took: 2 })
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("that the host loses is noticed at once by a Receive, and by a check when it matters", () =>
    Effect.gen(function* () {
      const { listener, wsman, pool } = yield* opened
      const { fiber } = yield* outstandingReceive(listener, pool.shellId)
      yield* Effect.sleep("5 seconds")
      const began = yield* Clock.currentTimeMillis
      yield* wsman.delete(pool.shellId)
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "WsmanFault")
      assert.isAtMost((yield* Clock.currentTimeMillis) - began, 1000)
      assert.strictEqual((yield* Effect.flip(pool.check))._tag, "PsrpPoolBroken")
    }).pipe(Effect.scoped, inTime)
  )
})
