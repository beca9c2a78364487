import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { withoutManagedFields } from "../../../layers/kube/ManagedFields.ts"
import type { Json } from "../../../schemas/kube/Patch.ts"

const applied = JSON.stringify({ metadata: { managedFields: [{ manager: "x" }], name: "a" } })

/** Texts of which JSON has to escape something, or that look like what is cut. */
const Text = Schema.Union([
  Schema.Literals(["", "a", '"', "\\", '\\"', "]", "[", "}", '"managedFields":[', 'x"managedFields":[1],', "é"]),
  Schema.Literals([',"managedFields":[]', '\\"managedFields":[', "managedFields", applied, JSON.stringify(applied)]),
  Schema.String
])
const Name = Schema.Union([
  Schema.Literals([
    "managedFields",
    "managedFields",
    "f:managedFields",
    '"managedFields',
    "managedFields\\",
    "metadata"
  ]),
  Schema.Literals(['","managedFields', "annotations", "b", "", applied])
])
const Leaf = Schema.Union([Schema.Null, Schema.Int, Text])
/** Of members in any order: a record over few names has each of them, in the order of the schema. */
interface Members {
  readonly members: ReadonlyArray<readonly [string, Tree]>
}
type Tree = string | number | null | ReadonlyArray<Tree> | Members
const level = (value: Schema.Codec<Tree>): Schema.Codec<Tree> =>
  Schema.Union([Leaf, Schema.Array(value), Schema.Struct({ members: Schema.Array(Schema.Tuple([Name, value])) })])
const Value = level(level(level(Leaf)))
const Space = Schema.Literals(["", "", " ", "\n\t", "\r\n  "])

/** JSON with white space at every place that may have some, but for that between a name and its list. */
const spaced = (value: Tree, space: string): string => {
  const within = (parts: ReadonlyArray<string>) => `${space}${parts.join(`${space},${space}`)}${space}`
  if (value === null || typeof value !== "object") return JSON.stringify(value)
  if (!("members" in value)) return `[${within(value.map((item) => spaced(item, space)))}]`
  return `{${within([...new Map(value.members)].map(([name, member]) => `${JSON.stringify(name)}:${spaced(member, space)}`))}}`
}

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
    { value: Value, space: Space },
    ({ value, space }) => {
      const text = spaced(value, space)
      // Of the parsed text: JSON has no negative zero. What is JSON is Json.
      assert.deepStrictEqual(JSON.parse(withoutManagedFields(text)), without(JSON.parse(text) as Json))
    },
    { arbitrary: { runs: 2000, size: 24 } }
  )

  it("removes it as first, middle, last and only member", () => {
    const list = '"managedFields":[{"f":{"k:{\\"type\\":\\"]\\"}":[]}}]'
    const texts = [`{${list},"a":1}`, `{"a":1,${list},"b":2}`, `{"a":1,${list}}`, `{${list}}`, `[{${list}},{${list}}]`]
    assert.deepStrictEqual(texts.map(withoutManagedFields), ['{"a":1}', '{"a":1,"b":2}', '{"a":1}', "{}", "[{},{}]"])
  })

  it("removes it as often as it is given", () => {
    const twice = '"managedFields":[1],"managedFields":[2]'
    assert.deepStrictEqual([`{${twice},"a":1}`, `{"a":1,${twice}}`, `{${twice}}`].map(withoutManagedFields), [
      '{"a":1}',
      '{"a":1}',
      "{}"
    ])
  })

  it("leaves a text alone that ends within the list", () => {
    const cut = '{"a":1,"managedFields":[{"manager":"x"'
    assert.strictEqual(withoutManagedFields(cut), cut)
  })
})
