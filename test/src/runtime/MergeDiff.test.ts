import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Json } from "../../../schemas/kube/Patch.ts"
import { apply, diff, equal, storable } from "../../../src/runtime/MergeDiff.ts"

const Leaf = Schema.Union([Schema.Null, Schema.Boolean, Schema.Int, Schema.Literals(["", "x", "y"])])
const Name = Schema.Literals(["a", "b", "c", "__proto__"])
/** Objects over few names, so that two of them have members in common. */
const level = <A extends Json>(value: Schema.Codec<A>) =>
  Schema.Union([Leaf, Schema.Array(value), Schema.Array(Schema.Tuple([Name, value]))])
const Value = level(level(Leaf))

const isPair = (item: unknown): item is readonly [string, Json] =>
  Array.isArray(item) &&
  item.length === 2 &&
  typeof item[0] === "string" &&
  ["a", "b", "c", "__proto__"].includes(item[0])

/** Lists of pairs are read as objects. */
const read = (value: Json): Json => {
  if (!Array.isArray(value)) return value
  const items: ReadonlyArray<Json> = value
  return items.length > 0 && items.every(isPair)
    ? Object.fromEntries(items.filter(isPair).map(([key, member]) => [key, read(member)]))
    : items.map(read)
}

describe("MergeDiff", () => {
  it.prop(
    "apply(current, diff(current, desired)) is desired, as far as a merge patch can store it",
    { current: Value, desired: Value },
    (sample) => {
      const current = storable(read(sample.current))
      const desired = read(sample.desired)
      const patch = diff(current, desired)
      const result = patch === undefined ? current : apply(current, patch)
      assert.isTrue(equal(result, storable(desired)) || (desired === null && result === null))
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop("nothing differs from itself", { value: Value }, ({ value }) => {
    assert.isUndefined(diff(read(value), read(value)))
  })

  it("removes what is absent or undefined by null, and leaves the rest out", () => {
    const current = { keep: 1, gone: { deep: true }, nested: { a: 1, b: 2 }, list: [1, 2] }
    assert.deepStrictEqual(diff(current, { keep: 1, nested: { a: 1, c: 3 }, list: [1] }), {
      gone: null,
      nested: { b: null, c: 3 },
      list: [1]
    })
    assert.isNull(diff("was", undefined))
    assert.isUndefined(diff(undefined, undefined))
    assert.isUndefined(diff({ a: 1 }, { a: 1, b: null }))
  })

  it("knows RFC 7386's own examples", () => {
    assert.deepStrictEqual(apply({ a: [{ b: "c" }] }, { a: [1] }), { a: [1] })
    assert.deepStrictEqual(apply({ a: "foo" }, "bar"), "bar")
    assert.deepStrictEqual(apply({ e: null }, { a: 1 }), { e: null, a: 1 })
    assert.deepStrictEqual(apply([1, 2], { a: "b", c: null }), { a: "b" })
    assert.deepStrictEqual(apply({}, { a: { bb: { ccc: null } } }), { a: { bb: {} } })
  })
})
