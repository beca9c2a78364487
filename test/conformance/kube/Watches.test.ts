import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { path, type Selectors } from "../../../src/simulators/kube/Access.ts"
import { at, text } from "../../../src/simulators/kube/KubeJson.ts"
import { exchange, gadget, gadgets, meta, onBoth, refusal, type Api } from "./Servers.ts"

type Options = Selectors & { readonly resourceVersion?: string }

/** The first `count` events, as `TYPE name`, read while `during` runs. */
const seen = <E>(api: Api, options: Options, count: number, during: Effect.Effect<unknown, E> = Effect.void) =>
  Effect.gen(function* () {
    const reader = yield* api.watch(gadgets, api.namespace, options).pipe(
      Stream.filter((event) => event.type !== "BOOKMARK"),
      Stream.take(count),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true })
    )
    yield* during
    const events = yield* Fiber.join(reader)
    return events.map((event) => `${event.type} ${text(event.object, "metadata", "name")}`)
  })

describe("watches", () => {
  onBoth("show every change after a list", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const { resourceVersion } = yield* api.list(gadgets, api.namespace)
      const changes = Effect.gen(function* () {
        yield* api.create(gadgets, api.namespace, gadget("b"))
        yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { size: "large" } })
        yield* api.mergePatch(gadgets, api.namespace, "a", { status: { phase: "Up" } }, "status")
        yield* api.delete(gadgets, api.namespace, "a")
      })
      const expected = ["ADDED b", "MODIFIED a", "MODIFIED a", "DELETED a"]
      assert.deepStrictEqual(yield* seen(api, { resourceVersion }, 4, changes), expected)
      assert.deepStrictEqual(yield* seen(api, { resourceVersion }, 4), expected)
    })
  )

  onBoth("start with what there is when no version is given, or 0", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const more = api.create(gadgets, api.namespace, gadget("b"))
      assert.deepStrictEqual(yield* seen(api, {}, 2, more), ["ADDED a", "ADDED b"])
      assert.deepStrictEqual((yield* seen(api, { resourceVersion: "0" }, 2)).toSorted(), ["ADDED a", "ADDED b"])
    })
  )

  onBoth("let objects come and go with their labels", (api) =>
    Effect.gen(function* () {
      const { resourceVersion } = yield* api.list(gadgets, api.namespace)
      const label = (k: string) => api.mergePatch(gadgets, api.namespace, "a", { metadata: { labels: { k } } })
      const changes = Effect.gen(function* () {
        yield* api.create(gadgets, api.namespace, gadget("a"))
        yield* label("1")
        yield* label("2")
        yield* api.delete(gadgets, api.namespace, "a")
        yield* api.create(gadgets, api.namespace, gadget("end", { size: "small" }, { labels: { k: "1" } }))
      })
      assert.deepStrictEqual(yield* seen(api, { resourceVersion, labelSelector: "k=1" }, 3, changes), [
        "ADDED a",
        "DELETED a",
        "ADDED end"
      ])
    })
  )

  onBoth("carry the version of each change, deletions included", (api) =>
    Effect.gen(function* () {
      const { resourceVersion } = yield* api.list(gadgets, api.namespace)
      yield* api.create(gadgets, api.namespace, gadget("a"))
      yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { size: "large" } })
      yield* api.delete(gadgets, api.namespace, "a")
      const events = yield* api
        .watch(gadgets, api.namespace, { resourceVersion })
        .pipe(Stream.take(3), Stream.runCollect)
      const versions = events.map((event) => Number(meta(event.object, "resourceVersion")))
      assert.deepStrictEqual(
        versions,
        versions.toSorted((a, b) => a - b)
      )
      assert.strictEqual(new Set(versions).size, 3)
      assert.strictEqual(at(events[2]?.object, "spec", "size"), "large")
    })
  )

  onBoth("refuse a version from before their memory", (api) =>
    Effect.gen(function* () {
      const ended = api.watch(gadgets, api.namespace, { resourceVersion: "1" }).pipe(Stream.runDrain)
      assert.strictEqual(yield* refusal(ended), "410 Expired")
    })
  )

  onBoth("end in time, with a bookmark for those that asked", (api) =>
    Effect.gen(function* () {
      const { resourceVersion } = yield* api.list(gadgets, api.namespace)
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const query = `watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${resourceVersion}`
      const lines = (yield* api.raw("GET", `${path(gadgets, api.namespace)}?${query}`)).text
        .split("\n")
        .filter((line) => line !== "")
      assert.isAtLeast(lines.length, 1)
      assert.strictEqual(at(JSON.parse(lines[0] ?? "null"), "type"), "ADDED")
      for (const line of lines.slice(1)) {
        assert.strictEqual(at(JSON.parse(line), "type"), "BOOKMARK")
        assert.match(text(JSON.parse(line), "object", "metadata", "resourceVersion"), /^\d+$/u)
      }
    })
  )

  onBoth("stream the list itself when asked to", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const streaming = "watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true"
      const target = path(gadgets, api.namespace)
      assert.strictEqual((yield* exchange(api, "GET", `${target}?${streaming}`)).status, 422)
      const [first, second] = (yield* api.raw("GET", `${target}?${streaming}&resourceVersionMatch=NotOlderThan`)).text
        .split("\n")
        .map((line) => (line === "" ? null : JSON.parse(line)))
      assert.deepStrictEqual([at(first, "type"), at(second, "type")], ["ADDED", "BOOKMARK"])
      assert.deepStrictEqual(at(second, "object", "metadata", "annotations"), { "k8s.io/initial-events-end": "true" })
    })
  )
})
