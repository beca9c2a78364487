import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { fromJs, toJs } from "../../../layers/psrp/PsJson.ts"
import { array, bag, enumeration } from "../../../layers/psrp/PsObject.ts"
import type { PsList, PsValue } from "../../../layers/psrp/PsValue.ts"

const refusal = (value: unknown): string => {
  const result = fromJs(value)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

describe("plain values", () => {
  const Plain = Schema.Record(
    Schema.String,
    Schema.Union([
      Schema.String,
      Schema.Int,
      Schema.Boolean,
      Schema.Null,
      Schema.Array(Schema.String),
      Schema.Record(Schema.String, Schema.Int)
    ])
  )
  it.prop("become PowerShell's and come back", { value: Plain }, ({ value }) => {
    // JSON has one zero.
    const plain: unknown = JSON.parse(JSON.stringify(value))
    assert.deepStrictEqual(toJs(Result.getOrThrow(fromJs(plain))), plain)
  })

  it("take the types of typed parameters", () => {
    assert.strictEqual(Result.getOrThrow(fromJs(2147483647)), 2147483647)
    assert.strictEqual(Result.getOrThrow(fromJs(2147483648)), 2147483648n)
    assert.deepStrictEqual(Result.getOrThrow(fromJs(0.5)), { _tag: "Scalar", type: "Double", text: "0.5" })
    assert.deepStrictEqual(Result.getOrThrow(fromJs(new Uint8Array([1]))), new Uint8Array([1]))
    assert.deepStrictEqual(Result.getOrThrow(fromJs({ a: undefined, b: [] })), {
      _tag: "Dictionary",
      typeNames: ["System.Collections.Hashtable", "System.Object"],
      entries: [
        [
          "b",
          { _tag: "List", kind: "List", typeNames: ["System.Object[]", "System.Array", "System.Object"], items: [] }
        ]
      ]
    })
  })

  it("say where something has no counterpart, and not what", () => {
    assert.strictEqual(refusal({ a: [1, Number.NaN] }), "$.a[1]: not a finite number")
    assert.match(refusal({ when: new Date(0) }), /^\$\.when: an object of a class$/)
    assert.match(
      refusal(() => 1),
      /a function/
    )
    assert.match(refusal(2n ** 63n), /beyond Int64/)
    assert.match(refusal(2 ** 60), /beyond 2\^53/)
    const loop: Array<unknown> = []
    loop.push(loop)
    assert.match(refusal(loop), /too deeply/)
  })

  it("are read from objects, enums, wide numbers and cycles", () => {
    const cycle: PsList = { _tag: "List", kind: "List", typeNames: [], items: [1] }
    cycle.items.push(cycle)
    const object = bag({
      Id: { _tag: "Scalar", type: "Guid", text: "g" },
      State: enumeration("T", "On", 5),
      Size: 5n,
      Big: 2n ** 60n,
      Small: { _tag: "Scalar", type: "Byte", text: "7" },
      cycle
    })
    assert.deepStrictEqual(toJs(object), { Id: "g", State: 5, Size: 5, Big: 2n ** 60n, Small: 7, cycle: [1, null] })
  })

  it("integers are numbers, or bigints where that would lose digits", () => {
    const read = (type: "UInt64" | "UInt32" | "SByte", text: string) => toJs({ _tag: "Scalar", type, text })
    assert.deepStrictEqual(
      [
        read("UInt64", "7"),
        read("UInt64", "18446744073709551615"),
        read("UInt32", "4294967295"),
        read("SByte", "-128")
      ],
      [7, 18_446_744_073_709_551_615n, 4_294_967_295, -128]
    )
  })

  it("a graph of references is read in time of its size, not of its tree's", () => {
    let value: PsValue = array(["leaf"])
    for (let level = 0; level < 200; level++) value = array([value, value])
    // Equal branches are one object: the tree has 2^200 leaves.
    const [left, right] = toJs(value) as [unknown, unknown]
    assert.strictEqual(left, right)
  })

  it("keys of dictionaries may be anything", () => {
    const key = { ...bag({ toString: 1 }), text: "key" }
    const table: PsValue = {
      _tag: "Dictionary",
      typeNames: [],
      entries: [
        [key, 1],
        [5n, 2],
        [null, 3],
        ["__proto__", 4]
      ]
    }
    assert.deepStrictEqual(Object.entries(toJs(table) as object), [
      ["5", 2],
      ["key", 1],
      ["", 3],
      ["__proto__", 4]
    ])
  })
})
