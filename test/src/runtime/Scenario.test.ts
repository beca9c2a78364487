/** A whole controller over an API in memory, in virtual time: what it owns, looks at, waits for, and lets go. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Resource } from "../../../schemas/kube/Resource.ts"
import * as Action from "../../../src/runtime/Action.ts"
import * as Calls from "../../../src/runtime/Calls.ts"
import * as Controller from "../../../src/runtime/Controller.ts"
import * as Finalizer from "../../../src/runtime/Finalizer.ts"
import { Informers } from "../../../src/runtime/Informers.ts"
import * as Manager from "../../../src/runtime/Manager.ts"
import { keyText } from "../../../src/runtime/Request.ts"
import * as Status from "../../../src/runtime/Status.ts"
import * as Triggers from "../../../src/runtime/Triggers.ts"
import type { Toy } from "./Toy.ts"
import { boxes, makeApi, toys } from "./Toy.ts"

const parts: Resource<Toy> = { ...toys, kind: "Part", plural: "parts" }
const finalizer = "toys.example/workshop"

/** Builds a toy in 30 s once its box is open; its phase also counts the parts it owns. Deletion takes the toy apart first. */
const workshop = Effect.gen(function* () {
  const informers = yield* Informers
  const store = yield* informers.store(toys, { box: ({ spec }) => (spec?.box === undefined ? [] : [spec.box]) })
  const boxStore = yield* informers.store(boxes)
  const partStore = yield* informers.store(parts, {
    toy: ({ metadata }) => (metadata.ownerReferences ?? []).map(({ name }) => name)
  })
  const calls = yield* Calls.make<number, never>()
  const log: Array<string> = []
  const built = new Map<string, number>()
  const say = (what: string) => Effect.map(Clock.currentTimeMillis, (now) => void log.push(`${now / 1000}s ${what}`))

  const controller = Controller.make({
    name: "toy",
    resource: toys,
    triggers: [
      Triggers.self(toys),
      Triggers.owner(parts, { group: "toys.example", kind: "Toy" }),
      Triggers.mapped(boxes, ({ metadata }) =>
        store.byIndex("box", metadata.name).map((toy) => ({ namespace: "play", name: toy.metadata.name }))
      ),
      Triggers.external(calls.changes, "call ended")
    ],
    reconcile: Effect.fnUntraced(function* (key) {
      const toy = store.get(key)
      if (toy === undefined) {
        yield* say(`${key.name} is gone`)
        return Action.done
      }
      if (toy.metadata.deletionTimestamp !== undefined) {
        built.delete(key.name)
        yield* say(`${key.name} taken apart`)
        yield* Finalizer.remove(toys, toy, finalizer)
        return Action.done
      }
      const kept = yield* Finalizer.add(toys, toy, finalizer)
      if (boxStore.get({ namespace: "play", name: toy.spec?.box ?? "" })?.status?.phase !== "Open") {
        yield* Status.write(toys, kept, { fields: { phase: "Waiting" } })
        return Action.done
      }
      const call = yield* calls.poll(keyText(key))
      if (call._tag === "Finished" && call.exit._tag === "Success") built.set(key.name, call.exit.value)
      const size = toy.spec?.size ?? 0
      if (built.get(key.name) !== size && call._tag !== "Running") {
        yield* say(`${key.name} building size ${size}`)
        yield* calls.start(keyText(key), Effect.as(Effect.sleep("30 seconds"), size), key)
      }
      const done = built.get(key.name)
      const owned = partStore.byIndex("toy", key.name).length
      yield* Status.write(toys, kept, { fields: { phase: `Parts ${owned}`, built: done } })
      return Action.done
    })
  })
  return { controller, log }
})

describe("a controller", () => {
  it.effect("brings up what it is told, follows what it depends on, and leaves nothing", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      const read = (name: string) => {
        const value = api.read(toys, name)
        return value === undefined ? undefined : Schema.decodeUnknownSync(toys.schema)(value)
      }
      yield* Effect.gen(function* () {
        const { controller, log } = yield* workshop
        yield* api.put(toys, "bear", { spec: { size: 1, box: "red" } })
        const manager = yield* Effect.forkChild(Manager.run([controller]))

        // self: the toy was there before the controller
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(read("bear")?.metadata.finalizers, [finalizer])
        assert.strictEqual(read("bear")?.status?.phase, "Waiting")

        // mapped: a change of the box's status alone
        yield* api.put(boxes, "red", { status: { phase: "Open" } })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(log, ["10s bear building size 1"])
        assert.isUndefined(read("bear")?.status?.built)

        // external: the call ends
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(read("bear")?.status?.built, 1)

        // owner: a part of it appears
        yield* api.put(parts, "leg", {
          metadata: {
            ownerReferences: [{ apiVersion: "toys.example/v1", kind: "Toy", name: "bear", uid: "uid" }]
          }
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(read("bear")?.status?.phase, "Parts 1")

        // the part goes
        yield* api.remove(parts, "leg")
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(read("bear")?.status?.phase, "Parts 0")

        // nothing happens, and nothing is written, for as long as nothing changes
        const [version, writes] = [read("bear")?.metadata.resourceVersion, api.writes.length]
        yield* TestClock.adjust("1 day")
        assert.strictEqual(read("bear")?.metadata.resourceVersion, version)
        assert.strictEqual(api.writes.length, writes)

        // a new spec, then deletion
        yield* api.put(toys, "bear", { spec: { size: 2 } })
        yield* TestClock.adjust("31 seconds")
        assert.strictEqual(read("bear")?.status?.built, 2)
        yield* api.remove(toys, "bear")
        yield* TestClock.adjust("10 seconds")
        assert.isUndefined(read("bear"))
        assert.deepStrictEqual(log.slice(1), [
          "86452s bear building size 2",
          "86483s bear taken apart",
          "86483s bear is gone"
        ])
        yield* Fiber.interrupt(manager)
      }).pipe(Effect.provide(Layer.provideMerge(Informers.layerWatch(api.watch), api.layer)))
    })
  )
})
