import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { live } from "./ModelWorld.ts"

const count = (maximum: number) => Schema.Int.check(Schema.isBetween({ minimum: 0, maximum }))
const Tape = Schema.Array(count(239)).check(Schema.isMaxLength(80))
const Policy = Schema.Literals(["Report", "PowerOn"])
const runs = { arbitrary: { runs: 1_000 } }
/** Every cut may cost a whole attempt, and no tape has more than 80 mishaps. */
const limit = 1_000

describe("a machine's life by Plan", () => {
  it("has the expected flow when nothing goes wrong", () => {
    const calm = { tape: [], waits: 2, meddling: false, powerPolicy: "Report" } as const
    const once = (trail: ReadonlyArray<string>) => trail.filter((step, i) => step !== trail[i - 1])
    assert.deepStrictEqual(once(live({ ...calm, deletedAt: undefined }, limit).trail), [
      "AddFinalizer",
      "Wait",
      "ReserveName",
      "Create",
      "AwaitCall",
      "AwaitJob",
      "Expand",
      "AwaitJob",
      "Seed",
      "AwaitCall",
      "Start",
      "AwaitJob",
      "Settle"
    ])
    assert.deepStrictEqual(once(live({ ...calm, deletedAt: 30 }, limit).trail).slice(-6), [
      "Settle",
      "Remove",
      "AwaitJob",
      "Remove",
      "AwaitJob",
      "Release"
    ])
  })

  it.prop(
    "ends up running, with one VM, wherever the process is cut",
    { tape: Tape, waits: count(10) },
    ({ tape, waits }) => {
      const outcome = live({ tape, waits, deletedAt: undefined, meddling: false, powerPolicy: "Report" }, limit)
      assert.strictEqual(outcome.end, "Settle", outcome.trail.join(" "))
      assert.strictEqual(outcome.made, 1)
      assert.strictEqual(outcome.left, 1)
    },
    runs
  )

  it.prop(
    "makes no second VM whatever others do to the first, and rests",
    { tape: Tape, powerPolicy: Policy },
    ({ tape, powerPolicy }) => {
      const outcome = live({ tape, waits: 0, deletedAt: undefined, meddling: true, powerPolicy }, limit)
      assert.include(["Settle", "Report"], outcome.end)
      assert.strictEqual(outcome.made, 1)
    },
    runs
  )

  it.prop(
    "leaves nothing behind, whenever it is deleted",
    { tape: Tape, waits: count(10), deletedAt: count(60), meddling: Schema.Boolean, powerPolicy: Policy },
    (given) => {
      const outcome = live(given, limit)
      assert.strictEqual(outcome.left, 0, outcome.trail.join(" "))
      assert.isAtMost(outcome.made, 1)
      if (given.deletedAt > 0) assert.strictEqual(outcome.end, "Release")
    },
    runs
  )
})
