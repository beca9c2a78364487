import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Outbox from "../../../../src/simulators/scvmm/Outbox.ts"
import { settle } from "../../../harness/VirtualTime.ts"

const Delivery = Schema.Literals(["Gathered", "Piecewise"])
const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

describe("Outbox", () => {
  it.effect.prop(
    "hands out all fragments in order, within the room, and then that it is done",
    { sizes: Schema.Array(Small), room: Small, delivery: Delivery },
    ({ sizes, room, delivery }) =>
      Effect.gen(function* () {
        const outbox = Outbox.make(delivery)
        const fragments = sizes.map((size, at) => new Uint8Array(size).fill(at))
        outbox.push(fragments, false)
        outbox.finish()
        const taken: Array<Uint8Array> = []
        for (;;) {
          const batch = yield* outbox.take(room)
          taken.push(...batch.fragments)
          const size = batch.fragments.reduce((sum, { length }) => sum + length, 0)
          assert.isTrue(size <= room || batch.fragments.length === 1)
          if (delivery === "Piecewise") assert.strictEqual(batch.fragments.length, batch.state === "Done" ? 0 : 1)
          if (batch.state === "Done") break
          assert.isAbove(batch.fragments.length, 0)
        }
        assert.deepStrictEqual(taken, fragments)
        assert.deepStrictEqual(yield* outbox.take(room), { fragments: [], state: "Done" })
      })
  )

  it.effect("wakes one of two takers for what comes, both when the shell goes; interrupted, it loses nothing", () =>
    Effect.gen(function* () {
      const outbox = Outbox.make("Gathered")
      const gone = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      yield* Fiber.interrupt(gone)
      const first = yield* Effect.forkChild(outbox.take(100))
      const second = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      outbox.push([new Uint8Array([1])], true)
      yield* settle
      const answered = [first, second].filter((fiber) => fiber.pollUnsafe() !== undefined)
      assert.strictEqual(answered.length, 1)
      outbox.abandon()
      const states = [yield* Fiber.join(first), yield* Fiber.join(second)].map(({ state }) => state)
      assert.deepStrictEqual(states.toSorted(), ["Gone", "Running"])
      outbox.push([new Uint8Array([2])], true)
      assert.deepStrictEqual(yield* outbox.take(100), { fragments: [], state: "Gone" })
    })
  )

  it.effect("collects output for a waiting Receive until it is done, flushed, or enough", () =>
    Effect.gen(function* () {
      const piece = new Uint8Array(10)
      const outbox = Outbox.make("Gathered")
      const whole = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      outbox.push([piece], false)
      yield* settle
      assert.isUndefined(whole.pollUnsafe())
      outbox.push([piece], true)
      yield* settle
      assert.deepStrictEqual(whole.pollUnsafe(), Exit.succeed({ fragments: [piece, piece], state: "Running" }))

      const full = yield* Effect.forkChild(outbox.take(15))
      outbox.push([piece, piece], false)
      yield* settle
      assert.deepStrictEqual(full.pollUnsafe(), Exit.succeed({ fragments: [piece], state: "Running" }))

      const slow = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(slow.pollUnsafe(), Exit.succeed({ fragments: [piece], state: "Running" }))

      const last = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      outbox.push([piece], false)
      outbox.finish()
      yield* settle
      assert.deepStrictEqual(last.pollUnsafe(), Exit.succeed({ fragments: [piece], state: "Done" }))
    })
  )
})
