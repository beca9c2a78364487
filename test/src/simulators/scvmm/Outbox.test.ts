import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Outbox from "../../../../src/simulators/scvmm/Outbox.ts"
import { settle } from "../../../harness/VirtualTime.ts"

const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 }))

describe("Outbox", () => {
  it.effect.prop(
    "hands out all fragments in order, within the room, and then that it is done",
    { sizes: Schema.Array(Small), room: Small },
    ({ sizes, room }) =>
      Effect.gen(function* () {
        const outbox = Outbox.make()
        const fragments = sizes.map((size, at) => new Uint8Array(size).fill(at))
        outbox.push(fragments)
        outbox.finish()
        const taken: Array<Uint8Array> = []
        for (;;) {
          const batch = yield* outbox.take(room)
          taken.push(...batch.fragments)
          const size = batch.fragments.reduce((sum, { length }) => sum + length, 0)
          assert.isTrue(size <= room || batch.fragments.length === 1)
          if (batch.state === "Done") break
          assert.isAbove(batch.fragments.length, 0)
        }
        assert.deepStrictEqual(taken, fragments)
        assert.deepStrictEqual(yield* outbox.take(room), { fragments: [], state: "Done" })
      })
  )

  it.effect("wakes one of two takers for what comes, both when the shell goes; interrupted, it loses nothing", () =>
    Effect.gen(function* () {
      const outbox = Outbox.make()
      const gone = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      yield* Fiber.interrupt(gone)
      const first = yield* Effect.forkChild(outbox.take(100))
      const second = yield* Effect.forkChild(outbox.take(100))
      yield* settle
      outbox.push([new Uint8Array([1])])
      yield* settle
      const answered = [first, second].filter((fiber) => fiber.pollUnsafe() !== undefined)
      assert.strictEqual(answered.length, 1)
      outbox.abandon()
      const states = [yield* Fiber.join(first), yield* Fiber.join(second)].map(({ state }) => state)
      assert.deepStrictEqual(states.toSorted(), ["Gone", "Running"])
      outbox.push([new Uint8Array([2])])
      assert.deepStrictEqual(yield* outbox.take(100), { fragments: [], state: "Gone" })
    })
  )
})
