import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, objects, text, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import {
  compared,
  configMap,
  configMaps,
  exchange,
  gadget,
  gadgets,
  meta,
  onBoth,
  ownedBy,
  refusal,
  type Api
} from "./Servers.ts"

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

  const strategic = (api: Api, target: string, body: KubeJson) =>
    exchange(api, "PATCH", target, body, "application/strategic-merge-patch+json")

  const nodes = { group: "", version: "v1", plural: "nodes" }
  const accounts = { group: "", version: "v1", plural: "serviceaccounts" }

  onBoth("merge lists of nodes by their keys, where those have one", (api) =>
    Effect.gen(function* () {
      const target = path(nodes, "", api.namespace)
      yield* Effect.acquireRelease(
        api.create(nodes, "", {
          apiVersion: "v1",
          kind: "Node",
          metadata: { name: api.namespace },
          spec: { taints: [{ key: "a", effect: "NoSchedule" }] }
        }),
        () => Effect.orDie(api.delete(nodes, "", api.namespace))
      )
      const condition = (type: string, status: string) => ({ type, status, reason: "r" })
      const kept = (found: KubeJson) =>
        objects(found, "status", "conditions").map((each) => [
          text(each, "type"),
          text(each, "status"),
          text(each, "reason")
        ])
      const first = yield* strategic(api, `${target}/status`, {
        status: {
          conditions: [condition("Ready", "False"), condition("MemoryPressure", "False")],
          addresses: [{ type: "InternalIP", address: "10.0.0.1" }]
        }
      })
      assert.strictEqual(first.status, 200)
      const second = yield* strategic(api, `${target}/status`, {
        status: {
          conditions: [{ type: "Ready", status: "True" }, condition("DiskPressure", "False")],
          addresses: [
            { type: "Hostname", address: "n" },
            { type: "InternalIP", address: "10.0.0.2" }
          ]
        }
      })
      assert.deepStrictEqual(kept(second.object), [
        ["Ready", "True", "r"],
        ["DiskPressure", "False", "r"],
        ["MemoryPressure", "False", "r"]
      ])
      assert.deepStrictEqual(
        objects(second.object, "status", "addresses").map((each) => text(each, "address")),
        ["n", "10.0.0.2"]
      )
      const one = yield* strategic(api, `${target}/status`, {
        status: { conditions: [{ type: "MemoryPressure", status: "Unknown" }] }
      })
      assert.deepStrictEqual(
        kept(one.object).map(([type]) => type),
        ["Ready", "DiskPressure", "MemoryPressure"]
      )
      const third = yield* strategic(api, `${target}/status`, {
        status: {
          "$setElementOrder/conditions": [{ type: "MemoryPressure" }, { type: "Ready" }],
          conditions: [
            { type: "DiskPressure", $patch: "delete" },
            { type: "MemoryPressure", status: "True" }
          ]
        }
      })
      assert.deepStrictEqual(kept(third.object), [
        ["MemoryPressure", "True", "r"],
        ["Ready", "True", "r"]
      ])
      const keyless = yield* strategic(api, `${target}/status`, { status: { conditions: [{ status: "True" }] } })
      const odd = yield* strategic(api, `${target}/status`, { status: { $patch: "twist" } })
      assert.deepStrictEqual(
        [keyless.status, keyless.message],
        [500, "map: map[status:True] does not contain declared merge key: type"]
      )
      assert.deepStrictEqual([odd.status, odd.message], [500, "unknown patch type: twist in map: map[$patch:twist]"])
      const tainted = yield* strategic(api, target, { spec: { taints: [{ key: "b", effect: "NoExecute" }] } })
      assert.deepStrictEqual(
        objects(tainted.object, "spec", "taints").map((each) => text(each, "key")),
        ["b"]
      )
    })
  )

  onBoth("merge owners, finalizers and maps of metadata", (api) =>
    Effect.gen(function* () {
      const owner = yield* api.create(configMaps, api.namespace, configMap("owner"))
      const other = yield* api.create(configMaps, api.namespace, configMap("other"))
      const reference = (of: KubeJson, more: KubeJson = {}) =>
        ownedBy({ ...of, apiVersion: "v1", kind: "ConfigMap" }, more)
      yield* api.create(
        configMaps,
        api.namespace,
        configMap("a", {
          labels: { one: "1", two: "2" },
          finalizers: ["x.io/a", "x.io/b"],
          ownerReferences: [reference(owner)]
        })
      )
      const target = path(configMaps, api.namespace, "a")
      const patched = yield* strategic(api, target, {
        metadata: {
          labels: { one: null, three: "3" },
          finalizers: ["x.io/c", "x.io/a"],
          ownerReferences: [reference(other), { uid: meta(owner, "uid") ?? "", controller: true }]
        }
      })
      assert.deepStrictEqual(
        [
          patched.status,
          meta(patched.object, "labels"),
          meta(patched.object, "finalizers"),
          meta(patched.object, "ownerReferences")
        ],
        [
          200,
          { two: "2", three: "3" },
          ["x.io/c", "x.io/a", "x.io/b"],
          [reference(other), reference(owner, { controller: true })]
        ]
      )
      const fewer = yield* strategic(api, target, {
        metadata: {
          "$deleteFromPrimitiveList/finalizers": ["x.io/a", "x.io/c"],
          labels: { $patch: "replace", only: "this" },
          ownerReferences: [{ $patch: "delete", uid: meta(owner, "uid") ?? "" }]
        }
      })
      assert.deepStrictEqual(
        [meta(fewer.object, "labels"), meta(fewer.object, "finalizers"), meta(fewer.object, "ownerReferences")],
        [{ only: "this" }, ["x.io/b"], [reference(other)]]
      )
      const fresh = yield* strategic(api, target, {
        metadata: { ownerReferences: [{ $patch: "replace" }, reference(owner)] },
        data: { $retainKeys: ["c"], c: "d" }
      })
      assert.deepStrictEqual(
        [meta(fresh.object, "ownerReferences"), fresh.object["data"]],
        [[reference(owner)], { c: "d" }]
      )
      yield* api.mergePatch(configMaps, api.namespace, "a", { metadata: { finalizers: null } })
      const none = yield* strategic(api, target, {
        metadata: { finalizers: [], "$setElementOrder/finalizers": ["x.io/a"] }
      })
      assert.deepStrictEqual([none.status, none.message], [500, "no elements in any of the given slices"])
      yield* api.create(accounts, api.namespace, {
        apiVersion: "v1",
        kind: "ServiceAccount",
        metadata: { name: "a" },
        secrets: [{ name: "one" }],
        imagePullSecrets: [{ name: "one" }]
      })
      const account = yield* strategic(api, path(accounts, api.namespace, "a"), {
        secrets: [{ name: "two" }],
        imagePullSecrets: [{ name: "two" }]
      })
      assert.deepStrictEqual(
        [account.object["secrets"], account.object["imagePullSecrets"]],
        [[{ name: "two" }, { name: "one" }], [{ name: "two" }]]
      )
    })
  )

  compared("are strategic in the same way, whatever they say", (embedded, real) =>
    Effect.gen(function* () {
      const both = [embedded, real]
      const among = (count: number) => Random.nextIntBetween(0, count)
      const pick = <A>(items: ReadonlyArray<A>) =>
        Effect.map(among(items.length), (index) => items.slice(index, index + 1))
      const some = <A>(items: ReadonlyArray<A>) =>
        Effect.map(
          Effect.forEach(items, (item) => Effect.map(among(100), (rank) => ({ item, rank }))),
          (ranked) =>
            ranked
              .filter(({ rank }) => rank >= 50)
              .toSorted((a, b) => a.rank - b.rank)
              .map(({ item }) => item)
        )
      const names = ["x.io/a", "x.io/b", "x.io/c", "x.io/d"]
      const types = ["A", "B", "C", "D"]
      const finalizers = Effect.gen(function* () {
        const [given, others, order] = [yield* some(names), yield* some(names), yield* some(names)]
        // What a patch both adds and drops depends on the order of a Go map.
        const dropped = others.filter((each) => !given.includes(each))
        return yield* pick<KubeJson>([
          { finalizers: given },
          { "$deleteFromPrimitiveList/finalizers": dropped },
          {
            finalizers: given,
            "$setElementOrder/finalizers": [...given, ...order.filter((each) => !given.includes(each))]
          },
          // An order of nothing is not held against the list, and leaves it as Go's sort happens to.
          order.length === 0 ? {} : { finalizers: given, "$setElementOrder/finalizers": order },
          { finalizers: given, "$deleteFromPrimitiveList/finalizers": dropped },
          { finalizers: null }
        ])
      })
      const conditions = Effect.gen(function* () {
        const [given, dropped, order] = [yield* some(types), yield* some(types), yield* some(types)]
        const value = String(yield* among(100))
        const changed = given.map((type): KubeJson => ({ type, status: value }))
        const gone = dropped
          .filter((type) => !given.includes(type))
          .map((type): KubeJson => ({ type, $patch: "delete" }))
        const sequence = [...given, ...order.filter((type) => !given.includes(type))].map((type): KubeJson => ({
          type
        }))
        return yield* pick<KubeJson>([
          { conditions: changed },
          { conditions: [...gone, ...changed] },
          { conditions: changed, "$setElementOrder/conditions": sequence },
          { "$setElementOrder/conditions": sequence },
          order.length === 0
            ? {}
            : { conditions: changed, "$setElementOrder/conditions": order.map((type): KubeJson => ({ type })) },
          { conditions: [{ $patch: "replace" }, ...changed] }
        ])
      })
      for (const api of both) {
        yield* api.create(configMaps, api.namespace, configMap("a"))
        yield* Effect.acquireRelease(
          api.create(nodes, "", { apiVersion: "v1", kind: "Node", metadata: { name: api.namespace } }),
          () => Effect.orDie(api.delete(nodes, "", api.namespace))
        )
      }
      for (let round = 0; round < 60; round++) {
        const [[first = {}], [second = {}]] = [yield* finalizers, yield* conditions]
        const [ours, theirs] = yield* Effect.forEach(both, (api) =>
          Effect.gen(function* () {
            const object = yield* strategic(api, path(configMaps, api.namespace, "a"), { metadata: first })
            const node = yield* strategic(api, `${path(nodes, "", api.namespace)}/status`, { status: second })
            const listed = objects(node.object, "status", "conditions")
            return {
              finalizers: [object.status, object.message, meta(object.object, "finalizers")],
              conditions: [node.status, node.message, listed.map((each) => [text(each, "type"), text(each, "status")])]
            }
          })
        )
        assert.deepStrictEqual(ours, theirs, JSON.stringify([first, second]))
      }
      for (const api of both) {
        yield* api.mergePatch(configMaps, api.namespace, "a", { metadata: { finalizers: null } })
      }
    })
  )
})
