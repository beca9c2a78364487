import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { RawEvent } from "../../../layers/kube/KubeClient.ts"
import { Informers } from "../../../src/runtime/Informers.ts"
import * as Priority from "../../../src/runtime/Priority.ts"
import * as Triggers from "../../../src/runtime/Triggers.ts"
import { boxes, makeApi, toy, toys } from "./Toy.ts"

type Api = Effect.Success<ReturnType<typeof makeApi>>

/** What a trigger asks for while the script runs, reason by reason. */
const woken = Effect.fnUntraced(function* (trigger: Triggers.Trigger, script: (api: Api) => Effect.Effect<void>) {
  const api = yield* makeApi()
  const asked: Array<string> = []
  yield* Effect.gen(function* () {
    yield* trigger.attach((request) =>
      Effect.sync(
        () =>
          void asked.push(`${request.key.name}: ${request.reason}${request.priority === Priority.low ? ", low" : ""}`)
      )
    )
    yield* TestClock.adjust(0)
    yield* script(api)
    yield* TestClock.adjust(0)
  }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
  return asked
})

const owned = (name: string) => ({
  metadata: { ownerReferences: [{ apiVersion: "toys.example/v7", kind: "Toy", name, uid: `uid-${name}` }] }
})

describe("Triggers", () => {
  it.effect("self: spec, metadata and deletion, not status", () =>
    Effect.gen(function* () {
      const asked = yield* woken(Triggers.self(toys), (api) =>
        Effect.gen(function* () {
          yield* api.put(toys, "bear", { spec: { size: 1 }, metadata: { finalizers: ["f"] } })
          yield* api.put(toys, "bear", { status: { phase: "Building" } })
          yield* api.put(toys, "bear", { spec: { size: 2 } })
          yield* api.put(toys, "bear", { metadata: { labels: { a: "b" } } })
          yield* api.remove(toys, "bear")
          yield* api.put(toys, "bear", { metadata: { finalizers: null } })
        })
      )
      assert.deepStrictEqual(asked, [
        "bear: Toy added",
        "bear: Toy updated",
        "bear: Toy updated",
        "bear: Toy updated",
        "bear: Toy deleted"
      ])
    })
  )

  it.effect("owner: status too, any version of the owner's group, the owner that was and the one that is", () =>
    Effect.gen(function* () {
      const asked = yield* woken(Triggers.owner(boxes, { group: "toys.example", kind: "Toy" }), (api) =>
        Effect.gen(function* () {
          yield* api.put(boxes, "red", owned("bear"))
          yield* api.put(boxes, "red", { status: { phase: "Open" } })
          yield* api.put(boxes, "red", owned("duck"))
          yield* api.put(boxes, "stray", { spec: { size: 1 } })
          yield* api.remove(boxes, "red")
        })
      )
      assert.deepStrictEqual(asked, [
        "bear: Box added",
        "bear: Box updated, low",
        "bear: Box updated",
        "duck: Box updated",
        "duck: Box deleted"
      ])
    })
  )

  it.effect("mapped: what the function says of the object before and after, each key once", () =>
    Effect.gen(function* () {
      const trigger = Triggers.mapped(boxes, ({ spec }) =>
        spec?.box === undefined ? [] : [...spec.box].map((name) => ({ namespace: "play", name }))
      )
      const asked = yield* woken(trigger, (api) =>
        Effect.gen(function* () {
          yield* api.put(boxes, "red", { spec: { size: 1, box: "ab" } })
          yield* api.put(boxes, "red", { spec: { size: 1, box: "bc" } })
        })
      )
      assert.deepStrictEqual(asked, [
        "a: Box added",
        "b: Box added",
        "a: Box updated",
        "b: Box updated",
        "c: Box updated"
      ])
    })
  )

  it.effect("who comes late hears of what is there as of a first listing, of what follows as of news", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      const asked: Array<string> = []
      const attach = Triggers.self(toys).attach((request) =>
        Effect.sync(() => void asked.push(`${request.key.name}: ${request.priority}`))
      )
      yield* api.put(toys, "bear", { spec: { size: 1 } })
      yield* Effect.gen(function* () {
        yield* (yield* Informers).store(toys)
        yield* TestClock.adjust(0)
        yield* api.put(toys, "duck", { spec: { size: 1 } })
        yield* TestClock.adjust(0)
        yield* attach
        yield* api.put(toys, "mole", { spec: { size: 1 } })
        yield* TestClock.adjust(0)
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
      assert.deepStrictEqual(asked, ["bear: -100", "duck: -100", "mole: 0"])
    })
  )

  it.effect("external: background, unless said otherwise", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const stream = Stream.make({ namespace: "play", name: "bear" })
      const run = (trigger: Triggers.Trigger) =>
        Effect.flatten(trigger.attach(({ priority }) => Effect.sync(() => void asked.push(priority))))
      yield* Effect.andThen(
        run(Triggers.external(stream)),
        run(Triggers.external(stream, "call ended", Priority.normal))
      ).pipe(Effect.provide(Layer.mock(Informers)({})))
      assert.deepStrictEqual(asked, [-100, 0])
    })
  )

  it.effect("over the real watcher: a listing, its changes, and a listing again when continuity is lost", () =>
    Effect.gen(function* () {
      const watches: ReadonlyArray<ReadonlyArray<RawEvent>> = [
        [
          { type: "MODIFIED", object: toy("bear", { resourceVersion: "6", generation: 2 }) },
          { type: "BOOKMARK", object: { metadata: { resourceVersion: "9" } } },
          { type: "DELETED", object: { metadata: { name: 7 } } }
        ],
        []
      ]
      const listings = [
        [toy("bear", { resourceVersion: "5" }), toy("duck", { resourceVersion: "4" })],
        [toy("duck", { resourceVersion: "4" }), toy("mole", { resourceVersion: "12" })]
      ]
      let [listed, watched] = [0, 0]
      const client = Layer.succeed(
        KubeClient,
        // The other operations are none of a watcher's.
        {
          list: () => Effect.sync(() => ({ items: listings[listed++] ?? [], undecodable: [], resourceVersion: "5" })),
          watch: () => {
            const events = watches[watched++]
            return events === undefined || events.length === 0
              ? Stream.never
              : Stream.concat(Stream.fromIterable(events), Stream.never)
          }
        } as unknown as KubeClient["Service"]
      )
      const asked: Array<string> = []
      yield* Effect.gen(function* () {
        yield* Triggers.self(toys).attach((request) =>
          Effect.sync(() => void asked.push(`${request.key.name}: ${request.reason} ${request.priority}`))
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(asked, [
          "bear: Toy added -100",
          "duck: Toy added -100",
          "bear: Toy updated 0",
          // What the second listing no longer has, and what it has for the first time.
          "bear: Toy deleted 0",
          "mole: Toy added 0"
        ])
        assert.deepStrictEqual([listed, watched], [2, 2])
      }).pipe(Effect.provide(Layer.provide(Informers.layer(), client)))
    })
  )
})
