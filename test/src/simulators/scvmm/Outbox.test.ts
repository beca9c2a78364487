import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Outbox from "../../../../src/simulators/scvmm/Outbox.ts"
import { settle } from "../../../harness/VirtualTime.ts"

/** What the data of a piece takes of the room of a Receive. */
const costOf = (bytes: number): number => bytes + Outbox.pieceOverhead

const pieceOf = (data: Uint8Array): Outbox.Piece => ({ stream: "stdout", data })

const Delivery = Schema.Literals(["Gathered", "Piecewise"])
const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

describe("Outbox", () => {
  it.effect.prop(
    "hands out all fragments in order, within the room, and then that it is done",
    { sizes: Schema.Array(Small), room: Small, delivery: Delivery },
    ({ sizes, room, delivery }) =>
      Effect.gen(function* () {
        const outbox = Outbox.make(delivery)
        const bytes = sizes.map((size, at) => new Uint8Array(size).fill(at))
        outbox.push(bytes.map(pieceOf), false)
        outbox.finish(3)
        const taken: Array<Outbox.Piece> = []
        for (;;) {
          const batch = yield* outbox.take(costOf(room))
          taken.push(...batch.pieces)
          const size = batch.pieces.reduce((sum, { data }) => sum + costOf(data.length), 0)
          assert.isAtMost(size, costOf(room))
          if (delivery === "Piecewise") assert.strictEqual(batch.pieces.length, batch.state === "Done" ? 0 : 1)
          if (batch.state === "Done") break
          assert.isAbove(batch.pieces.length, 0)
        }
        assert.deepStrictEqual(Buffer.concat(taken.map(({ data }) => data)), Buffer.concat(bytes))
        // Cut is only what alone is too large.
        if (sizes.every((size) => size <= room)) assert.strictEqual(taken.length, sizes.length)
        assert.deepStrictEqual(yield* outbox.take(costOf(room)), { pieces: [], state: "Done", exitCode: 3 })
      })
  )

  it.effect("wakes one of two takers for what comes, both when the shell goes; interrupted, it loses nothing", () =>
    Effect.gen(function* () {
      const outbox = Outbox.make("Gathered")
      const gone = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      yield* settle
      yield* Fiber.interrupt(gone)
      const first = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      const second = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      yield* settle
      outbox.push([pieceOf(new Uint8Array([1]))], true)
      yield* settle
      const answered = [first, second].filter((fiber) => fiber.pollUnsafe() !== undefined)
      assert.strictEqual(answered.length, 1)
      outbox.abandon()
      const states = [yield* Fiber.join(first), yield* Fiber.join(second)].map(({ state }) => state)
      assert.deepStrictEqual(states.toSorted(), ["Gone", "Running"])
      outbox.push([pieceOf(new Uint8Array([2]))], true)
      assert.deepStrictEqual(yield* outbox.take(costOf(100) * 2), { pieces: [], state: "Gone", exitCode: 0 })
    })
  )

  it.effect("collects output for a waiting Receive until it is done, flushed, or enough", () =>
    Effect.gen(function* () {
      const piece = pieceOf(new Uint8Array(10))
      const outbox = Outbox.make("Gathered")
      const whole = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      yield* settle
      outbox.push([piece], false)
      yield* settle
      assert.isUndefined(whole.pollUnsafe())
      outbox.push([piece], true)
      yield* settle
      assert.deepStrictEqual(
        whole.pollUnsafe(),
        Exit.succeed({ pieces: [piece, piece], state: "Running", exitCode: 0 })
      )

      const full = yield* Effect.forkChild(outbox.take(costOf(15)))
      outbox.push([piece, piece], false)
      yield* settle
      assert.deepStrictEqual(full.pollUnsafe(), Exit.succeed({ pieces: [piece], state: "Running", exitCode: 0 }))

      const slow = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      yield* settle
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(slow.pollUnsafe(), Exit.succeed({ pieces: [piece], state: "Running", exitCode: 0 }))

      const last = yield* Effect.forkChild(outbox.take(costOf(100) * 2))
      yield* settle
      outbox.push([piece], false)
      outbox.finish(0)
      yield* settle
      assert.deepStrictEqual(last.pollUnsafe(), Exit.succeed({ pieces: [piece], state: "Done", exitCode: 0 }))
    })
  )
})
