import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import type { Watch } from "../../../layers/kube/Watcher.ts"
import { Informers, type Selection } from "../../../src/runtime/Informers.ts"
import * as RuntimeMetrics from "../../../src/runtime/RuntimeMetrics.ts"
import * as Triggers from "../../../src/runtime/Triggers.ts"
import { boxes, makeApi, meta, toys } from "./Toy.ts"

/** Lets every fiber that can run do so. */
const settle = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })

describe("Informers", () => {
  it.effect(
    "one watch a kind, whoever asks; the store is ahead of the listeners; late ones hear of what is there",
    () =>
      Effect.gen(function* () {
        const api = yield* makeApi()
        const watches: Array<string> = []
        const watch: Watch = (resource, options) => {
          watches.push(resource.kind)
          return api.watch(resource, options)
        }
        const heard: Array<string> = []
        yield* Effect.gen(function* () {
          const informers = yield* Informers
          const store = yield* informers.store(toys)
          const indexed = yield* informers.store(toys, { box: (object) => [object.spec?.box ?? ""] })
          assert.strictEqual(store, indexed)
          yield* informers.subscribe(toys, (change) =>
            Effect.sync(() => {
              const seen = store.get({ namespace: "play", name: change.object.metadata.name })
              assert.strictEqual(seen === undefined, change._tag === "Deleted")
              heard.push(`early ${change._tag} ${change.object.metadata.name}`)
            })
          )
          yield* informers.ready
          yield* api.put(toys, "bear", { spec: { size: 1, box: "red" } })
          yield* settle
          yield* informers.subscribe(toys, (change) =>
            Effect.sync(() => void heard.push(`late ${change._tag} ${change.object.metadata.name}`))
          )
          assert.deepStrictEqual(
            store.byIndex("box", "red").map(({ metadata }) => metadata.name),
            ["bear"]
          )
          yield* api.remove(toys, "bear")
          yield* settle
        }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(watch), api.layer)))
        assert.deepStrictEqual(watches, ["Toy"])
        assert.deepStrictEqual(heard, [
          "early Added bear",
          "late Added bear",
          "early Deleted bear",
          "late Deleted bear"
        ])
      })
  )

  it.effect("each kind is watched as its own options say", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      const seen: Array<readonly [string, unknown]> = []
      const watch: Watch = (resource, options) => {
        seen.push([resource.kind, options])
        return api.watch(resource, options)
      }
      const selection: Selection = ({ kind }) => (kind === "Toy" ? { labelSelector: "a=b" } : { namespace: "play" })
      yield* Effect.gen(function* () {
        const informers = yield* Informers
        yield* informers.store(toys)
        yield* informers.store(boxes)
        yield* informers.ready
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(watch, selection), api.layer)))
      assert.deepStrictEqual(seen, [
        ["Toy", { labelSelector: "a=b" }],
        ["Box", { namespace: "play" }]
      ])
    })
  )

  it.effect("names what it waits for", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const api = yield* makeApi(Deferred.await(gate))
      yield* Effect.gen(function* () {
        const informers = yield* Informers
        yield* informers.store(toys)
        yield* informers.store(boxes)
        const ready = yield* Effect.forkChild(informers.ready)
        yield* settle
        assert.deepStrictEqual(yield* informers.pending, ["toys.toys.example", "boxes.toys.example"])
        assert.isUndefined(ready.pollUnsafe())
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(ready)
        assert.deepStrictEqual(yield* informers.pending, [])
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
    })
  )

  it.effect("what cannot be read is counted once a version, and the last that could be stays", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* Effect.gen(function* () {
        const informers = yield* Informers
        const store = yield* informers.store(toys)
        yield* informers.ready
        const broken = (message: string) =>
          api.emit(toys, { _tag: "Undecodable", key: { namespace: "play", name: "bear" }, message })
        yield* api.put(toys, "bear", { spec: { size: 1 } })
        for (const message of ["no size", "no size", "size: a string"]) yield* broken(message)
        yield* settle
        const count = yield* Metric.value(
          Metric.withAttributes(RuntimeMetrics.undecodable, { kind: "toys.toys.example" })
        )
        assert.strictEqual(count.count, 2)
        assert.strictEqual(store.list().length, 1)
      }).pipe(
        Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)),
        Effect.provideService(Metric.MetricRegistry, new Map())
      )
    })
  )

  it.effect("a watch that dies or ends is heard of", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      for (const stream of [Stream.empty, Stream.die("bug")]) {
        const exit = yield* Effect.gen(function* () {
          const informers = yield* Informers
          yield* informers.store(toys)
          return yield* Effect.exit(informers.failed)
        }).pipe(
          Effect.provide(
            Layer.provide(
              Informers.layerWatch(() => stream),
              api.layer
            ),
            { local: true }
          )
        )
        assert.isTrue(Exit.hasDies(exit))
      }
    })
  )
})

describe("Triggers.concernsSpec (D20)", () => {
  const before = meta("bear", {
    labels: { a: "1", b: "2" },
    finalizers: ["f"],
    ownerReferences: [{ apiVersion: "v1", kind: "Box", name: "red", uid: "u" }]
  })
  const after = { ...before, resourceVersion: "2" }
  it("ignores what a status write changes, and the order of labels", () => {
    assert.isFalse(Triggers.concernsSpec(before, after))
    assert.isFalse(Triggers.concernsSpec(before, { ...after, labels: { b: "2", a: "1" } }))
    assert.isFalse(Triggers.concernsSpec(meta("bear"), { ...meta("bear"), labels: {}, finalizers: [] }))
  })
  it.each([
    ["generation", { generation: 2 }],
    ["no generation", { generation: undefined }],
    ["labels", { labels: { a: "1" } }],
    ["a label", { labels: { a: "1", b: "3" } }],
    ["another label", { labels: { a: "1", c: "2" } }],
    ["annotations", { annotations: { a: "1" } }],
    ["finalizers", { finalizers: [] }],
    ["owners", { ownerReferences: [] }],
    ["deletion", { deletionTimestamp: "2026-01-01T00:00:00Z" }],
    ["uid", { uid: "other" }]
  ] as const)("sees a change of %s", (_, change) => {
    const { generation, ...rest } = { ...after, ...change }
    assert.isTrue(Triggers.concernsSpec(before, generation === undefined ? rest : { ...rest, generation }))
  })
})
