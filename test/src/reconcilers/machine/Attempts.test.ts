import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { delayOf, make } from "../../../../src/reconcilers/machine/Attempts.ts"

const Failures = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5000 }))

describe("Attempts", () => {
  it.prop("the delay doubles from 5 s to 10 min", { n: Failures }, ({ n }) => {
    assert.isAtLeast(delayOf(n), 5_000)
    assert.isAtMost(delayOf(n), 600_000)
    assert.strictEqual(delayOf(n + 1), Math.min(600_000, 2 * delayOf(n)))
  })

  it("starts at 5 s", () => {
    assert.deepStrictEqual([1, 2, 3, 7, 8, 20].map(delayOf), [5_000, 10_000, 20_000, 320_000, 600_000, 600_000])
  })

  it.effect("rests after each failure, longer each time", () =>
    Effect.gen(function* () {
      const attempts = make()
      assert.strictEqual(yield* attempts.remaining("a/create", 1), 0)
      yield* attempts.failed("a/create", 1)
      assert.strictEqual(yield* attempts.remaining("a/create", 1), 5_000)
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* attempts.remaining("a/create", 1), 1_000)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* attempts.remaining("a/create", 1), 0)
      yield* attempts.failed("a/create", 1)
      assert.strictEqual(yield* attempts.remaining("a/create", 1), 10_000)
    })
  )

  it.effect("one machine's failures are not another's, nor another call's", () =>
    Effect.gen(function* () {
      const attempts = make()
      yield* attempts.failed("a/create", 1)
      assert.strictEqual(yield* attempts.remaining("a/seed", 1), 0)
      assert.strictEqual(yield* attempts.remaining("b/create", 1), 0)
    })
  )

  it.effect("a changed spec is tried at once, and counts anew", () =>
    Effect.gen(function* () {
      const attempts = make()
      for (let i = 0; i < 5; i += 1) yield* attempts.failed("a", 1)
      assert.strictEqual(yield* attempts.remaining("a", 2), 0)
      yield* attempts.failed("a", 2)
      assert.strictEqual(yield* attempts.remaining("a", 2), 5_000)
    })
  )

  it.effect("success forgets", () =>
    Effect.gen(function* () {
      const attempts = make()
      yield* attempts.failed("a", 1)
      yield* attempts.failed("a", 1)
      yield* attempts.succeeded("a")
      assert.strictEqual(yield* attempts.remaining("a", 1), 0)
      yield* attempts.failed("a", 1)
      assert.strictEqual(yield* attempts.remaining("a", 1), 5_000)
    })
  )
})
