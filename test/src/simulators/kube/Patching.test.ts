import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as DuplicateFields from "../../../../src/simulators/kube/DuplicateFields.ts"
import * as JsonPatch from "../../../../src/simulators/kube/JsonPatch.ts"
import { equals, isArray, isObject, type Json, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import * as MergePatch from "../../../../src/simulators/kube/MergePatch.ts"

/** JSON as it comes off a wire: no −0, and null only where `nulls`. */
const tidy = (value: unknown, nulls: boolean): Json => {
  // Arbitrary JSON that went through its own text.
  const parsed = JSON.parse(JSON.stringify(value)) as Json
  const strip = (each: Json): Json => {
    if (isArray(each)) return each.map(strip)
    if (!isObject(each)) return each
    return Object.fromEntries(
      Object.entries(each)
        .filter(([, held]) => nulls || held !== null)
        .map(([field, held]) => [field, strip(held)])
    )
  }
  return strip(parsed)
}

const deep = Schema.Record(Schema.String, Schema.Json)

/** The merge patch that leads from one object to another. */
const diff = (from: KubeJson, to: KubeJson): KubeJson =>
  Object.fromEntries([
    ...Object.keys(from)
      .filter((field) => !Object.hasOwn(to, field))
      .map((field) => [field, null] as const),
    ...Object.entries(to)
      .filter(([field, value]) => !Object.hasOwn(from, field) || !equals(from[field], value))
      .map(([field, value]) => {
        const held = Object.hasOwn(from, field) ? from[field] : undefined
        return [field, isObject(held) && isObject(value) ? diff(held, value) : value] as const
      })
  ])

const object = (value: unknown): KubeJson => {
  const found = tidy(value, false)
  return isObject(found) ? found : {}
}

describe("merge patches", () => {
  it.prop("lead from any object to any other", { a: deep, b: deep }, ({ a, b }) => {
    const [from, to] = [object(a), object(b)]
    // RFC 7386 cannot set a field to an object from a value that is none without dropping nulls: there are none here.
    assert.isTrue(equals(MergePatch.apply(from, diff(from, to)), to))
  })

  it.prop("are idempotent and leave their target as it was", { a: deep, p: deep }, ({ a, p }) => {
    const [target, patch] = [object(a), tidy(p, true)]
    const before = JSON.stringify(target)
    const once = MergePatch.apply(target, patch)
    assert.isTrue(equals(MergePatch.apply(once, patch), once))
    assert.strictEqual(JSON.stringify(target), before)
  })

  it("follow the examples of RFC 7386", () => {
    const examples: ReadonlyArray<readonly [Json, Json, Json]> = [
      [{ a: "b" }, { a: "c" }, { a: "c" }],
      [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
      [{ a: "b" }, { a: null }, {}],
      [{ a: ["b"] }, { a: "c" }, { a: "c" }],
      [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
      [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
      [
        ["a", "b"],
        ["c", "d"],
        ["c", "d"]
      ],
      [{ e: null }, { a: 1 }, { e: null, a: 1 }],
      [[1, 2], { a: "b", c: null }, { a: "b" }],
      [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }]
    ]
    for (const [target, patch, expected] of examples) assert.deepStrictEqual(MergePatch.apply(target, patch), expected)
  })
})

const pointer = (field: string) => `/${field.replaceAll("~", "~0").replaceAll("/", "~1")}`

describe("JSON patches", () => {
  it.prop("add, test and remove any field", { a: deep, field: Schema.String, value: Schema.Json }, (given) => {
    const [document, value] = [object(given.a), tidy(given.value, true)]
    const path = pointer(given.field)
    const added = JsonPatch.apply(document, [
      { op: "add", path, value },
      { op: "test", path, value }
    ])
    assert.isTrue(isObject(added) && equals(added[given.field], value))
    const { [given.field]: _, ...rest } = document
    assert.isTrue(equals(JsonPatch.apply(added, [{ op: "remove", path }]), rest))
  })

  it.prop("move an item and back", { list: Schema.Array(Schema.Int), at: Schema.Natural }, ({ list, at }) => {
    const items = list.map((item) => item + 0)
    if (items.length === 0) return
    const index = at % items.length
    const moved = JsonPatch.apply({ a: items }, [{ op: "move", from: `/a/${index}`, path: "/b" }])
    assert.isTrue(equals(JsonPatch.apply(moved, [{ op: "move", from: "/b", path: `/a/${index}` }]), { a: items }))
  })

  it("say where they do not apply", () => {
    const refused = (patch: Json) => {
      try {
        JsonPatch.apply({ a: [1], b: { c: 1 } }, patch)
        return "applied"
      } catch (error) {
        return error instanceof JsonPatch.Malformed || error instanceof JsonPatch.Inapplicable ? error._tag : error
      }
    }
    assert.strictEqual(refused({}), "JsonPatchMalformed")
    assert.strictEqual(refused(["x"]), "JsonPatchMalformed")
    assert.strictEqual(refused([{ op: "test", path: "/b/c", value: 2 }]), "JsonPatchInapplicable")
    assert.strictEqual(refused([{ op: "remove", path: "/b/d" }]), "JsonPatchInapplicable")
    assert.strictEqual(refused([{ op: "add", path: "/a/3", value: 1 }]), "JsonPatchInapplicable")
    assert.strictEqual(refused([{ op: "copy", from: "/x", path: "/y" }]), "JsonPatchInapplicable")
    assert.deepStrictEqual(JsonPatch.unknownFields([{ op: "add", path: "/a", value: 1, foo: 1 }]), ["[0].foo"])
  })
})

describe("duplicate fields", () => {
  it.prop("are not seen where there are none", { value: Schema.Json }, ({ value }) => {
    assert.deepStrictEqual(DuplicateFields.find(JSON.stringify(value)), [])
    assert.deepStrictEqual(DuplicateFields.find(JSON.stringify(value, null, 2)), [])
  })

  it.prop("are seen under any value", { field: Schema.String, a: Schema.Json, b: Schema.Json }, ({ field, a, b }) => {
    const name = JSON.stringify(field)
    const text = `{ "x" : [ true, {${name}: ${JSON.stringify(a)} , ${name} :${JSON.stringify(b)}} ] }`
    assert.deepStrictEqual(DuplicateFields.find(text), [`x[1].${field}`])
  })
})
