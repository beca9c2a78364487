import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, type Json } from "../../../src/simulators/kube/KubeJson.ts"
import { configMap, configMaps, exchange, gadget, gadgets, meta, onBoth, refusal } from "./Servers.ts"

const devices = [
  { name: "a", nic: "1" },
  { name: "b", nic: "2" }
]

describe("patches", () => {
  onBoth("merge objects, replace lists, and drop what is null", (api) =>
    Effect.gen(function* () {
      yield* api.create(
        gadgets,
        api.namespace,
        gadget("a", { size: "small", name: "abc", devices, labels: { x: "1" } })
      )
      const patched = yield* api.mergePatch(gadgets, api.namespace, "a", {
        spec: { name: null, devices: [{ name: "c", nic: "3" }], labels: { y: "2" } }
      })
      assert.deepStrictEqual(patched["spec"], {
        size: "small",
        count: 3,
        devices: [{ name: "c", nic: "3", extra: { deep: 7 } }],
        labels: { x: "1", y: "2" }
      })
      assert.strictEqual(
        at(yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { count: null } }), "spec", "count"),
        3
      )
    })
  )

  onBoth("apply JSON operations all or none", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const patched = yield* api.jsonPatch(gadgets, api.namespace, "a", [
        { op: "test", path: "/spec/size", value: "small" },
        { op: "replace", path: "/spec/size", value: "large" },
        { op: "add", path: "/metadata/finalizers", value: ["x.io/a"] },
        { op: "add", path: "/metadata/finalizers/-", value: "x.io/b" },
        { op: "add", path: "/metadata/annotations", value: {} },
        { op: "add", path: "/metadata/annotations/x.io~1y", value: "z" },
        { op: "copy", from: "/metadata/annotations/x.io~1y", path: "/spec/maybe" }
      ])
      assert.deepStrictEqual(
        [patched["spec"], meta(patched, "finalizers"), meta(patched, "annotations")],
        [{ size: "large", count: 3, maybe: "z" }, ["x.io/a", "x.io/b"], { "x.io/y": "z" }]
      )
      const failing = [
        { op: "replace", path: "/spec/size", value: "small" },
        { op: "test", path: "/metadata/finalizers/0", value: "other" }
      ]
      assert.strictEqual(yield* refusal(api.jsonPatch(gadgets, api.namespace, "a", failing)), "422 Invalid")
      assert.strictEqual(at(yield* api.get(gadgets, api.namespace, "a"), "spec", "size"), "large")
      yield* api.jsonPatch(gadgets, api.namespace, "a", [{ op: "remove", path: "/metadata/finalizers" }])
    })
  )

  const inapplicable: ReadonlyArray<readonly [string, Json]> = [
    ["removing what is not there", [{ op: "remove", path: "/spec/none" }]],
    ["adding below what is not there", [{ op: "add", path: "/spec/none/x", value: 1 }]],
    ["an index out of range", [{ op: "remove", path: "/metadata/finalizers/9" }]],
    ["testing below what is not there", [{ op: "test", path: "/spec/none/x", value: 1 }]],
    ["an unknown operation", [{ op: "twist", path: "/spec/size" }]],
    ["replacing the whole", [{ op: "replace", path: "", value: {} }]],
    ["testing an old version", [{ op: "test", path: "/metadata/resourceVersion", value: "1" }]]
  ]
  for (const [what, operations] of inapplicable) {
    onBoth(`refuse ${what}`, (api) =>
      Effect.gen(function* () {
        yield* api.create(gadgets, api.namespace, gadget("a"))
        const answer = yield* exchange(
          api,
          "PATCH",
          path(gadgets, api.namespace, "a"),
          JSON.stringify(operations),
          "application/json-patch+json"
        )
        assert.deepStrictEqual([answer.status, answer.object["reason"]], [422, "Invalid"])
      })
    )
  }

  onBoth("take lenient ones as the real server does", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      yield* api.jsonPatch(gadgets, api.namespace, "a", [{ op: "test", path: "/spec/name", value: null }])
      const added = yield* api.jsonPatch(gadgets, api.namespace, "a", [
        { op: "replace", path: "/spec/flag", value: true }
      ])
      assert.strictEqual(at(added, "spec", "flag"), true)
      const last = yield* api.jsonPatch(gadgets, api.namespace, "a", [
        { op: "add", path: "/spec/tags", value: ["a", "b"] },
        { op: "remove", path: "/spec/tags/-1" }
      ])
      assert.deepStrictEqual(at(last, "spec", "tags"), ["a"])
    })
  )

  onBoth("cannot change what an object is", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const patch = (body: { readonly [key: string]: Json }) =>
        exchange(api, "PATCH", path(gadgets, api.namespace, "a"), body, "application/merge-patch+json")
      const codes = yield* Effect.forEach(
        [
          { metadata: { name: "b" } },
          { metadata: { namespace: "b" } },
          { metadata: { uid: "b" } },
          { metadata: { resourceVersion: null } },
          { kind: "Other" },
          { metadata: { labels: { a: 1 } } },
          { metadata: { labels: { "a b": "c" } } },
          { metadata: { ownerReferences: [{ kind: "X" }] } }
        ],
        (body) => Effect.map(patch(body), (answer) => answer.status)
      )
      assert.deepStrictEqual(codes, [400, 400, 422, 422, 422, 422, 422, 422])
      assert.strictEqual(
        (yield* exchange(api, "PATCH", path(gadgets, api.namespace, "a"), "[1]", "application/merge-patch+json"))
          .status,
        400
      )
      assert.strictEqual(
        (yield* exchange(api, "PATCH", path(gadgets, api.namespace, "a"), "{}", "application/json-patch+json")).status,
        400
      )
      assert.strictEqual(
        (yield* exchange(api, "PATCH", path(gadgets, api.namespace, "none"), {}, "application/merge-patch+json"))
          .status,
        404
      )
    })
  )

  onBoth("are strategic for built-in kinds alone", (api) =>
    Effect.gen(function* () {
      const strategic = "application/strategic-merge-patch+json"
      yield* api.create(gadgets, api.namespace, gadget("a"))
      yield* api.create(configMaps, api.namespace, configMap("a"))
      const custom = yield* exchange(
        api,
        "PATCH",
        path(gadgets, api.namespace, "a"),
        { spec: { flag: true } },
        strategic
      )
      assert.strictEqual(custom.status, 415)
      const builtin = yield* exchange(
        api,
        "PATCH",
        path(configMaps, api.namespace, "a"),
        { data: { c: "d" } },
        strategic
      )
      assert.deepStrictEqual([builtin.status, builtin.object["data"]], [200, { a: "b", c: "d" }])
    })
  )
})
