import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Circuit from "../../../layers/scvmm/Circuit.ts"
import { AuthenticationFailed } from "../../../layers/scvmm/ScvmmError.ts"

const key = { uid: "u", specVersion: "1", credentialVersion: "1" }
const error = new AuthenticationFailed({ host: "exec1", detail: "HTTP 401" })
const minutes = (count: number) => count * 60_000

describe("Circuit", () => {
  it.effect("says since when log-ons are stopped, and when the next one is let through", () =>
    Effect.gen(function* () {
      const circuit = yield* Circuit.make
      assert.isUndefined(yield* circuit.stopped(key.uid))
      yield* TestClock.adjust("1 minute")
      yield* circuit.refused(key, error)
      assert.deepStrictEqual(yield* circuit.stopped(key.uid), { since: minutes(1), nextAt: minutes(31) })
      assert.strictEqual(yield* Effect.flip(circuit.check(key)), error)
      yield* TestClock.adjust("30 minutes")
      yield* circuit.check(key)
      yield* circuit.refused(key, error)
      assert.deepStrictEqual(yield* circuit.stopped(key.uid), { since: minutes(1), nextAt: minutes(91) })
      const other = { ...key, credentialVersion: "2" }
      yield* circuit.check(other)
      yield* circuit.refused(other, error)
      assert.deepStrictEqual(yield* circuit.stopped(key.uid), { since: minutes(31), nextAt: minutes(61) })
      yield* circuit.accepted(key)
      assert.isDefined(yield* circuit.stopped(key.uid))
      yield* circuit.accepted(other)
      assert.isUndefined(yield* circuit.stopped(key.uid))
    })
  )

  it.effect("lets one log-on through when it is asked to, and stops again when that is refused", () =>
    Effect.gen(function* () {
      const circuit = yield* Circuit.make
      assert.isFalse(yield* circuit.release(key.uid))
      yield* circuit.refused(key, error)
      assert.isTrue(yield* circuit.release(key.uid))
      yield* circuit.check(key)
      yield* circuit.refused(key, error)
      assert.strictEqual(yield* Effect.flip(circuit.check(key)), error)
      assert.isTrue(yield* circuit.release(key.uid))
      yield* circuit.accepted(key)
      assert.isFalse(yield* circuit.release(key.uid))
    })
  )
})
