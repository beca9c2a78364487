import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { concatBytes, Defragmenter } from "../../../layers/psrp/Fragment.ts"
import { FragmentCutter } from "../../../layers/psrp/FragmentCutter.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("messages cut into fragments", () => {
  it.prop(
    "arrive whole and in order, whatever the limit is meanwhile and however often a piece is refused",
    {
      messages: Schema.Array(Schema.Uint8Array),
      turns: Schema.Array(Schema.Struct({ limit: between(22, 200), accepted: Schema.Boolean }))
    },
    ({ messages, turns }) => {
      const cutter = new FragmentCutter(messages.map((bytes, index) => ({ objectId: BigInt(index + 1), bytes })))
      const accepted: Array<Uint8Array> = []
      for (let turn = 0; ; turn++) {
        const { limit, accepted: takes } = turns[turn] ?? { limit: 60, accepted: true }
        const piece = cutter.next(limit)
        if (piece === undefined) break
        assert.isAtMost(piece.length, limit)
        if (!takes) continue
        accepted.push(piece)
        cutter.accept()
      }
      const defragmenter = new Defragmenter()
      const arrived = Result.getOrThrow(defragmenter.push(concatBytes(accepted)))
      assert.deepStrictEqual(
        arrived.map((bytes) => [...bytes]),
        messages.map((bytes) => [...bytes])
      )
      assert.isTrue(defragmenter.idle)
    }
  )

  it("share a piece where they fit, and are cut only where one alone does not", () => {
    const cutter = new FragmentCutter(
      [10, 10, 300, 10].map((length, index) => ({ objectId: BigInt(index + 1), bytes: new Uint8Array(length) }))
    )
    const sizes: Array<number> = []
    for (let piece = cutter.next(121); piece !== undefined; piece = cutter.next(121)) {
      sizes.push(piece.length)
      cutter.accept()
    }
    assert.deepStrictEqual(sizes, [62, 121, 121, 121, 31])
    assert.throws(() => cutter.next(21), RangeError)
  })
})
