import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { equals, isObject, type Json, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import { causes } from "../../../../src/simulators/kube/SchemaValidation.ts"
import { applyDefaults, compile, prune } from "../../../../src/simulators/kube/StructuralSchema.ts"

const node = compile({
  type: "object",
  properties: {
    a: { type: "string", default: "x" },
    b: { type: "object", properties: { c: { type: "integer", default: 1 } } },
    m: { type: "object", additionalProperties: { type: "object", properties: { d: { type: "string" } } } },
    list: {
      type: "array",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["k"],
      items: { type: "object", properties: { k: { type: "string" }, n: { type: "integer", maximum: 5 } } }
    }
  }
})

const Field = Schema.Literals(["a", "b", "c", "d", "k", "list", "m", "n", "z"])
const Leaf = Schema.Union([Schema.String, Schema.Int, Schema.Null])
const Inner = Schema.Record(Field, Leaf)
const Middle = Schema.Record(Field, Schema.Union([Leaf, Inner, Schema.Array(Inner)]))
const Outer = Schema.Record(Field, Schema.Union([Leaf, Middle, Schema.Array(Middle)]))

/** As it comes off a wire. */
const wire = (value: unknown): KubeJson => {
  const parsed: Json = JSON.parse(JSON.stringify(value))
  return isObject(parsed) ? parsed : {}
}

const pruned = (value: KubeJson): KubeJson => {
  const { object } = prune(value, node)
  return isObject(object) ? object : {}
}

describe("structural schemas", () => {
  it.prop("prune once and for all, and say so only then", { value: Outer }, ({ value }) => {
    const first = prune(wire(value), node)
    const again = prune(pruned(wire(value)), node)
    assert.isTrue(equals(again.object, first.object))
    assert.deepStrictEqual(again.unknown, [])
    assert.strictEqual(first.unknown.length === 0, equals(first.object, wire(value)))
  })

  it.prop("default once and for all, and invent nothing to prune", { value: Outer }, ({ value }) => {
    const first = applyDefaults(pruned(wire(value)), node)
    assert.isTrue(equals(applyDefaults(first, node), first))
    assert.deepStrictEqual(isObject(first) && prune(first, node).unknown, [])
    assert.isTrue(isObject(first) && Object.hasOwn(first, "a"))
  })

  it.prop("find nothing wrong with what did not change", { value: Outer }, ({ value }) => {
    assert.deepStrictEqual(causes(wire(value), node, wire(value)), [])
  })

  it("let bad parts be while others change", () => {
    const stored = { list: [{ k: "1", n: 9 }], a: "x" }
    const fields = (next: KubeJson) => causes(next, node, stored).map((cause) => cause.field)
    assert.deepStrictEqual(fields({ list: [{ k: "0", n: 1 }, ...stored.list], a: "y" }), [])
    assert.deepStrictEqual(fields({ list: [{ k: "1", n: 8 }], a: "x" }), ["list[0].n"])
  })
})
