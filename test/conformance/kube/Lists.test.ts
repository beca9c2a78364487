import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, objects, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { configMap, configMaps, exchange, gadget, gadgets, onBoth, type Api } from "./Servers.ts"

const names = (list: KubeJson) => objects(list, "items").map((item) => text(item, "metadata", "name"))

const five = (api: Api) =>
  Effect.forEach(["1", "2", "3", "4", "5"], (n) =>
    api.create(
      gadgets,
      api.namespace,
      gadget(`g${n}`, { size: "small" }, { labels: { n, ...(Number(n) % 2 === 1 && { odd: "yes" }) } })
    )
  )

describe("lists", () => {
  onBoth("come in pages that hold together while objects come and go", (api) =>
    Effect.gen(function* () {
      yield* five(api)
      const collection = path(gadgets, api.namespace)
      const first = (yield* exchange(api, "GET", `${collection}?limit=2`)).object
      assert.deepStrictEqual([names(first), at(first, "metadata", "remainingItemCount")], [["g1", "g2"], 3])
      yield* api.delete(gadgets, api.namespace, "g4")
      yield* api.create(gadgets, api.namespace, gadget("g31"))
      const next = (page: KubeJson) =>
        exchange(api, "GET", `${collection}?limit=2&continue=${encodeURIComponent(text(page, "metadata", "continue"))}`)
      const second = (yield* next(first)).object
      assert.deepStrictEqual(names(second), ["g3", "g4"])
      const third = (yield* next(second)).object
      assert.deepStrictEqual([names(third), text(third, "metadata", "continue")], [["g5"], ""])
      assert.strictEqual(text(third, "metadata", "resourceVersion"), text(first, "metadata", "resourceVersion"))
      assert.strictEqual((yield* exchange(api, "GET", `${collection}?continue=nonsense`)).status, 400)
      assert.strictEqual((yield* exchange(api, "GET", `${collection}?limit=many`)).status, 400)
    })
  )

  onBoth("show an exact older revision", (api) =>
    Effect.gen(function* () {
      yield* five(api)
      const { resourceVersion } = yield* api.list(gadgets, api.namespace)
      yield* api.delete(gadgets, api.namespace, "g1")
      const query = `?resourceVersionMatch=Exact&resourceVersion=${resourceVersion}`
      const old = (yield* exchange(api, "GET", `${path(gadgets, api.namespace)}${query}`)).object
      assert.deepStrictEqual(names(old), ["g1", "g2", "g3", "g4", "g5"])
    })
  )

  const selectors: ReadonlyArray<readonly [string, ReadonlyArray<string> | number]> = [
    ["odd=yes", ["g1", "g3", "g5"]],
    ["odd==yes,n!=3", ["g1", "g5"]],
    ["odd", ["g1", "g3", "g5"]],
    ["!odd", ["g2", "g4"]],
    ["odd!=yes", ["g2", "g4"]],
    ["n in (1, 2),!odd", ["g2"]],
    ["n notin (1,2)", ["g3", "g4", "g5"]],
    ["n>3", ["g4", "g5"]],
    ["n<2", ["g1"]],
    ["", ["g1", "g2", "g3", "g4", "g5"]],
    ["odd=yes,,", 400],
    ["a b", 400],
    ["odd in yes", 400],
    ["(odd)", 400],
    ["-a=b", 400]
  ]
  onBoth("are narrowed by labels", (api) =>
    Effect.gen(function* () {
      yield* five(api)
      for (const [selector, expected] of selectors) {
        const target = `${path(gadgets, api.namespace)}?labelSelector=${encodeURIComponent(selector)}`
        const answer = yield* exchange(api, "GET", target)
        assert.deepStrictEqual(answer.status === 200 ? names(answer.object) : answer.status, expected, selector)
      }
    })
  )

  onBoth("are narrowed by name and namespace, and by nothing else", (api) =>
    Effect.gen(function* () {
      yield* five(api)
      const list = (selector: string) =>
        Effect.map(
          exchange(api, "GET", `${path(gadgets, "")}?fieldSelector=${encodeURIComponent(selector)}`),
          (answer) => (answer.status === 200 ? names(answer.object) : answer.status)
        )
      assert.deepStrictEqual(yield* list(`metadata.name=g2,metadata.namespace=${api.namespace}`), ["g2"])
      assert.deepStrictEqual(yield* list(`metadata.name!=g2,metadata.namespace==${api.namespace}`), [
        "g1",
        "g3",
        "g4",
        "g5"
      ])
      assert.strictEqual(yield* list("spec.size=small"), 400)
      assert.strictEqual(yield* list("metadata.name"), 400)
    })
  )

  onBoth("of built-in kinds name the kind once", (api) =>
    Effect.gen(function* () {
      yield* api.create(configMaps, api.namespace, configMap("c"))
      yield* api.create(gadgets, api.namespace, gadget("g"))
      const [builtin] = (yield* api.list(configMaps, api.namespace, { fieldSelector: "metadata.name=c" })).items
      const [custom] = (yield* api.list(gadgets, api.namespace)).items
      assert.deepStrictEqual([builtin?.["kind"], custom?.["kind"]], [undefined, "Gadget"])
    })
  )

  onBoth("can be deleted as a whole or in part", (api) =>
    Effect.gen(function* () {
      yield* five(api)
      const collection = path(gadgets, api.namespace)
      assert.strictEqual((yield* exchange(api, "DELETE", `${collection}?labelSelector=odd`)).status, 200)
      assert.deepStrictEqual(names((yield* exchange(api, "GET", collection)).object), ["g2", "g4"])
      yield* exchange(api, "DELETE", collection)
      assert.deepStrictEqual((yield* api.list(gadgets, api.namespace)).items, [])
    })
  )

  onBoth("come as tables for kubectl", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const ready = { status: { conditions: [{ type: "Ready", status: "True" }] } }
      yield* api.mergePatch(gadgets, api.namespace, "a", ready, "status")
      const answer = yield* api.raw("GET", path(gadgets, api.namespace), {
        accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
      })
      const table: KubeJson = JSON.parse(answer.text)
      assert.deepStrictEqual(
        objects(table, "columnDefinitions").map((column) => text(column, "name")),
        ["Name", "Size", "Ready", "Age"]
      )
      const [row] = objects(table, "rows")
      const cells = row?.["cells"]
      assert.deepStrictEqual(Array.isArray(cells) ? cells.slice(0, 3) : cells, ["a", "small", "True"])
      assert.strictEqual(text(row, "object", "kind"), "PartialObjectMetadata")
    })
  )
})
