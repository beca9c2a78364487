import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { withoutManagedFields } from "../../../layers/kube/ManagedFields.ts"
import type { Json } from "../../../schemas/kube/Patch.ts"

/** Texts of which JSON has to escape something, or that look like what is cut. */
const Text = Schema.Literals(["", "a", '"', "\\", '\\"', "]", "[", '"managedFields":[', 'x"managedFields":[1],', "é"])
const Name = Schema.Literals(["managedFields", "f:managedFields", '"managedFields', "metadata", "b", ""])
const Leaf = Schema.Union([Schema.Null, Schema.Int, Text])
const level = <A extends Json>(value: Schema.Codec<A>) =>
  Schema.Union([Leaf, Schema.Array(value), Schema.Record(Name, value)])
const Value = level(level(level(Leaf)))

/** The same by way of the parsed value. */
const without = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(without)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => name !== "managedFields" || !Array.isArray(member))
      .map(([name, member]) => [name, without(member)])
  )
}

describe("withoutManagedFields", () => {
  it.prop(
    "removes lists of that name, wherever they are, and nothing else",
    { value: Value },
    ({ value }) => {
      const text = JSON.stringify(value)
      // Parsed: JSON has no negative zero.
      assert.deepStrictEqual(
        JSON.parse(withoutManagedFields(text)),
        without(Schema.decodeUnknownSync(Value)(JSON.parse(text)))
      )
    },
    { arbitrary: { runs: 2000, size: 24 } }
  )

  it("removes it as first, middle, last and only member", () => {
    const list = '"managedFields":[{"f":{"k:{\\"type\\":\\"]\\"}":[]}}]'
    const texts = [`{${list},"a":1}`, `{"a":1,${list},"b":2}`, `{"a":1,${list}}`, `{${list}}`, `[{${list}},{${list}}]`]
    assert.deepStrictEqual(texts.map(withoutManagedFields), ['{"a":1}', '{"a":1,"b":2}', '{"a":1}', "{}", "[{},{}]"])
  })

  it("leaves a text alone that ends within the list", () => {
    const cut = '{"a":1,"managedFields":[{"manager":"x"'
    assert.strictEqual(withoutManagedFields(cut), cut)
  })
})
