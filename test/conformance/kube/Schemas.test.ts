import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { exchange, gadget, gadgets, onBoth, version } from "./Servers.ts"

describe("schemas", () => {
  onBoth("prune what they do not know, with warnings", (api) =>
    Effect.gen(function* () {
      const body = {
        ...gadget("a", {
          size: "small",
          bogus: 1,
          devices: [{ nic: "n", bad: { x: 1 } }],
          free: { any: { x: 1 }, known: { a: "1", b: "2" } }
        }),
        top: 1
      }
      const answer = yield* exchange(api, "POST", path(gadgets, api.namespace), body)
      assert.strictEqual(answer.status, 201)
      assert.strictEqual(
        answer.warning,
        [
          '299 - "unknown field \\"spec.bogus\\""',
          '299 - "unknown field \\"spec.devices[0].bad\\""',
          '299 - "unknown field \\"spec.free.known.b\\""',
          '299 - "unknown field \\"top\\""'
        ].join(", ")
      )
      assert.deepStrictEqual(answer.object["spec"], {
        size: "small",
        count: 3,
        devices: [{ nic: "n", name: "eth0", extra: { deep: 7 } }],
        free: { any: { x: 1 }, known: { a: "1" } }
      })
    })
  )

  onBoth("refuse it under Strict, and say nothing under Ignore", (api) =>
    Effect.gen(function* () {
      const collection = path(gadgets, api.namespace)
      const body = gadget("a", { size: "small", bogus: 1 }, { foo: "bar" })
      const strict = yield* exchange(api, "POST", `${collection}?fieldValidation=Strict`, body)
      assert.deepStrictEqual(
        [strict.status, strict.message],
        [
          400,
          'Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "metadata.foo", unknown field "spec.bogus"'
        ]
      )
      const ignored = yield* exchange(api, "POST", `${collection}?fieldValidation=Ignore`, body)
      assert.deepStrictEqual([ignored.status, ignored.warning], [201, ""])
      const patched = yield* exchange(
        api,
        "PATCH",
        `${collection}/a?fieldValidation=Strict`,
        { spec: { bogus: 1 } },
        "application/merge-patch+json"
      )
      assert.deepStrictEqual([patched.status, patched.causes], [422, ["FieldValueInvalid patch"]])
      assert.include(patched.message, 'strict decoding error: unknown field "spec.bogus"')
      assert.strictEqual((yield* exchange(api, "POST", `${collection}?fieldValidation=Maybe`, body)).status, 422)
    })
  )

  onBoth("notice fields given twice", (api) =>
    Effect.gen(function* () {
      const collection = path(gadgets, api.namespace)
      const body = `{"apiVersion":"${version}","kind":"Gadget","metadata":{"name":"a"},"spec":{"size":"small","size":"large"}}`
      const strict = yield* exchange(api, "POST", `${collection}?fieldValidation=Strict`, body)
      assert.strictEqual(strict.status, 400)
      const warned = yield* exchange(api, "POST", collection, body)
      assert.deepStrictEqual(
        [warned.status, warned.warning, at(warned.object, "spec", "size")],
        [201, '299 - "duplicate field \\"spec.size\\""', "large"]
      )
    })
  )

  onBoth("take null as absent, where null is not allowed", (api) =>
    Effect.gen(function* () {
      const body = gadget("a", { size: "small", count: null, name: null, maybe: null, labels: { a: null, b: "x" } })
      const created = yield* api.create(gadgets, api.namespace, body)
      assert.deepStrictEqual(created["spec"], { size: "small", count: 3, maybe: null, labels: { b: "x" } })
    })
  )

  const wrong: ReadonlyArray<readonly [string, KubeJson, ReadonlyArray<string>]> = [
    ["a missing field", {}, ["FieldValueRequired spec.size"]],
    ["a value out of an enum", { size: "huge" }, ["FieldValueNotSupported spec.size"]],
    ["too small a number", { size: "small", count: 0 }, ["FieldValueInvalid spec.count"]],
    ["too large a number", { size: "small", count: 11 }, ["FieldValueInvalid spec.count"]],
    ["an excluded bound", { size: "small", ratio: 0 }, ["FieldValueInvalid spec.ratio"]],
    ["no multiple", { size: "small", fives: 7 }, ["FieldValueInvalid spec.fives"]],
    ["a number that is no int32", { size: "small", little: 5_000_000_000 }, ["FieldValueInvalid <nil>"]],
    ["too short a text", { size: "small", name: "a" }, ["FieldValueInvalid spec.name"]],
    ["too long a text", { size: "small", name: "abcdef" }, ["FieldValueTooLong spec.name"]],
    ["a text of the wrong form", { size: "small", name: "AB" }, ["FieldValueInvalid spec.name"]],
    ["a time that is none", { size: "small", when: "noon" }, ["FieldValueTypeInvalid spec.when"]],
    ["a wrong quantity", { size: "small", memory: "1Ti" }, ["FieldValueInvalid spec.memory"]],
    ["too few items", { size: "small", devices: [] }, ["FieldValueInvalid spec.devices"]],
    [
      "too many items",
      { size: "small", devices: ["a", "b", "c", "d"].map((name) => ({ name, nic: "n" })) },
      ["FieldValueTooMany spec.devices"]
    ],
    [
      "a list key twice, by default",
      { size: "small", devices: [{ nic: "1" }, { nic: "2" }] },
      ["FieldValueDuplicate spec.devices[1]"]
    ],
    ["an item twice", { size: "small", tags: ["a", "b", "a"] }, ["FieldValueDuplicate spec.tags[2]"]],
    ["null in a list", { size: "small", tags: [null] }, ["FieldValueTypeInvalid spec.tags[0]"]],
    ["a bad value of a map", { size: "small", labels: { k: "12345" } }, ["FieldValueTooLong spec.labels.k"]],
    ["an empty object", { size: "small", endpoint: {} }, ["FieldValueInvalid spec.endpoint"]],
    [
      "wrong types",
      { size: 3, flag: 1, devices: {}, labels: [], ratio: "y", name: true },
      [
        "FieldValueNotSupported spec.size",
        "FieldValueTypeInvalid spec.devices",
        "FieldValueTypeInvalid spec.flag",
        "FieldValueTypeInvalid spec.labels",
        "FieldValueTypeInvalid spec.name",
        "FieldValueTypeInvalid spec.ratio",
        "FieldValueTypeInvalid spec.size"
      ]
    ],
    [
      "a fraction for an integer",
      { size: "small", count: 1.5 },
      ["FieldValueInvalid <nil>", "FieldValueTypeInvalid spec.count"]
    ]
  ]
  for (const [what, spec, causes] of wrong) {
    onBoth(`refuse ${what}`, (api) =>
      Effect.gen(function* () {
        const answer = yield* exchange(api, "POST", path(gadgets, api.namespace), gadget("a", spec))
        assert.deepStrictEqual([answer.status, answer.object["reason"], answer.causes], [422, "Invalid", causes])
      })
    )
  }

  onBoth("speak as the real server does", (api) =>
    Effect.gen(function* () {
      const answer = yield* exchange(api, "POST", path(gadgets, api.namespace), gadget("a", { size: "huge" }))
      assert.deepStrictEqual(answer.object, {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message:
          'Gadget.conformance.example.com "a" is invalid: spec.size: Unsupported value: "huge": supported values: "small", "large"',
        reason: "Invalid",
        details: {
          name: "a",
          group: "conformance.example.com",
          kind: "Gadget",
          causes: [
            {
              reason: "FieldValueNotSupported",
              message: 'Unsupported value: "huge": supported values: "small", "large"',
              field: "spec.size"
            }
          ]
        },
        code: 422
      })
    })
  )

  onBoth("judge status on its own", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const body = { status: { phase: 3, conditions: [{ type: "A" }] } }
      const target = path(gadgets, api.namespace, "a", "status")
      const answer = yield* exchange(api, "PATCH", target, body, "application/merge-patch+json")
      assert.deepStrictEqual(
        [answer.status, answer.causes],
        [422, ["FieldValueRequired status.conditions[0].status", "FieldValueTypeInvalid status.phase"]]
      )
    })
  )
})
