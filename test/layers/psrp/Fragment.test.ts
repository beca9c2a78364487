import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  concatBytes,
  decodeFragments,
  Defragmenter,
  encodeFragment,
  splitMessage
} from "../../../layers/psrp/Fragment.ts"

const fragment = (objectId: bigint, fragmentId: bigint, start: boolean, end: boolean, blob = new Uint8Array([1])) =>
  encodeFragment({ objectId, fragmentId, start, end, blob })

const reason = (...pieces: ReadonlyArray<Uint8Array>): string => {
  const defragmenter = new Defragmenter({ maxMessageBytes: 1000 })
  for (const piece of pieces) {
    const result = defragmenter.push(piece)
    if (Result.isFailure(result)) return result.failure.reason
  }
  return "accepted"
}

describe("fragments", () => {
  it("has the header of MS-PSRP §2.2.4", () => {
    assert.deepStrictEqual(
      [...fragment(0x0102n, 3n, false, true, new Uint8Array([9, 8]))],
      [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 2, 9, 8]
    )
  })

  it.prop(
    "messages reassemble whatever the cuts",
    {
      messages: Schema.Array(Schema.Uint8Array),
      size: Schema.Int.check(Schema.isBetween({ minimum: 22, maximum: 60 })),
      cuts: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 90 })))
    },
    ({ messages, size, cuts }) => {
      const pieces = messages.flatMap((message, index) => splitMessage(BigInt(index + 1), message, size))
      assert.isTrue(pieces.every((piece) => piece.length <= size))
      const stream = concatBytes(pieces)
      const defragmenter = new Defragmenter()
      const got: Array<Uint8Array> = []
      let at = 0
      for (let turn = 0; at < stream.length; turn++) {
        const next = at + (cuts[turn % Math.max(1, cuts.length)] ?? stream.length)
        got.push(...Result.getOrThrow(defragmenter.push(stream.subarray(at, next))))
        at = next
      }
      assert.deepStrictEqual(
        got.map((message) => [...message]),
        messages.map((message) => [...message])
      )
      assert.isTrue(defragmenter.idle)
      assert.strictEqual(Result.getOrThrow(decodeFragments(stream)).length, pieces.length)
    },
    { arbitrary: { runs: 300 } }
  )

  it("reassembles objects that interleave", () => {
    const a = splitMessage(1n, new Uint8Array([1, 2, 3]), 22)
    const b = splitMessage(2n, new Uint8Array([4, 5, 6]), 22)
    const woven = a.flatMap((piece, index) => [piece, b[index] ?? new Uint8Array(0)])
    const got = Result.getOrThrow(new Defragmenter().push(concatBytes(woven)))
    assert.deepStrictEqual(
      got.map((message) => [...message]),
      [
        [1, 2, 3],
        [4, 5, 6]
      ]
    )
  })

  it("does not keep the caller's buffer", () => {
    const [first, second] = splitMessage(1n, new Uint8Array([1, 2]), 22)
    const buffer = new Uint8Array(22)
    const defragmenter = new Defragmenter()
    buffer.set(first ?? [])
    Result.getOrThrow(defragmenter.push(buffer))
    buffer.fill(0xff)
    buffer.set(second ?? [])
    assert.deepStrictEqual(
      Result.getOrThrow(defragmenter.push(buffer)).map((message) => [...message]),
      [[1, 2]]
    )
  })

  it("refuses sequences that MS-PSRP does not allow", () => {
    assert.match(reason(fragment(1n, 1n, false, true)), /without a start/)
    assert.match(reason(fragment(1n, 0n, false, true)), /start flag/)
    assert.match(reason(fragment(1n, 0n, true, false), fragment(1n, 2n, false, true)), /was due/)
    assert.match(
      reason(fragment(1n, 0n, true, false, new Uint8Array(600)), fragment(1n, 1n, false, true, new Uint8Array(600))),
      /more than 1000/
    )
    assert.match(reason(new Uint8Array(40).fill(0xff)), /blob of/)
    assert.isTrue(Result.isFailure(decodeFragments(fragment(1n, 0n, true, true).subarray(0, 21))))
    assert.throws(() => splitMessage(1n, new Uint8Array(1), 21), RangeError)
  })
})
