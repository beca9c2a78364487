import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { WatchEvent } from "../../../schemas/kube/Watch.ts"
import * as Store from "../../../src/runtime/Store.ts"
import type { Toy } from "./Toy.ts"
import { toy, toys } from "./Toy.ts"

const byBox = (object: Toy) => (object.spec?.box === undefined ? [] : [object.spec.box])

const Box = Schema.Literals(["red", "blue"])
const Version = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 9 }))
const Sample = Schema.Struct({
  name: Schema.Literals(["a", "b", "c"]),
  uid: Schema.Literals(["1", "2"]),
  version: Version,
  box: Schema.optionalKey(Box)
})
const Event = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Listed"), items: Schema.Array(Sample) }),
  Schema.Struct({ _tag: Schema.Literals(["Applied", "Deleted"]), object: Sample })
])

const made = (sample: typeof Sample.Type): Toy =>
  toy(
    sample.name,
    { uid: `${sample.name}-${sample.uid}`, resourceVersion: String(sample.version) },
    { spec: { size: 1, ...(sample.box !== undefined && { box: sample.box }) } }
  )

const event = (sample: typeof Event.Type): WatchEvent<Toy> =>
  sample._tag === "Listed"
    ? { _tag: "Listed", items: [...new Map(sample.items.map((item) => [item.name, made(item)])).values()] }
    : { _tag: sample._tag, object: made(sample.object) }

describe("Store", () => {
  it.prop(
    "changes tell the whole story, indexes say what a scan says, and only a listing makes an object younger",
    { events: Schema.Array(Event) },
    ({ events }) => {
      const { index, store, write } = Store.make(toys)
      index({ early: byBox })
      const replica = new Map<string, Toy>()
      for (const [i, sample] of events.entries()) {
        if (i === 2) index({ late: byBox })
        for (const change of write(event(sample))) {
          const name = change.object.metadata.name
          if (change._tag === "Added") {
            assert.isFalse(replica.has(name))
            replica.set(name, change.object)
          } else if (change._tag === "Updated") {
            assert.strictEqual(replica.get(name), change.previous)
            assert.isTrue(sample._tag === "Listed" || !Store.isOlder(change.object, change.previous))
            replica.set(name, change.object)
          } else {
            assert.isTrue(replica.delete(name))
          }
        }
        assert.sameMembers([...store.list()], [...replica.values()])
        for (const box of ["red", "blue"]) {
          const scan = store.list().filter((object) => object.spec?.box === box)
          assert.sameMembers([...store.byIndex("early", box)], scan)
          if (i >= 2) assert.sameMembers([...store.byIndex("late", box)], scan)
        }
      }
    },
    { arbitrary: { runs: 300 } }
  )

  it("a listing takes away what it does not hold, and the same again is no change", () => {
    const { store, write } = Store.make(toys)
    const bear = toy("bear")
    assert.deepStrictEqual(
      write({ _tag: "Listed", items: [bear, toy("duck")] }).map((change) => change._tag),
      ["Added", "Added"]
    )
    assert.deepStrictEqual(write({ _tag: "Listed", items: [toy("bear")] }), [{ _tag: "Deleted", object: toy("duck") }])
    assert.strictEqual(store.get({ namespace: "play", name: "bear" }), bear)
    assert.deepStrictEqual(store.list("elsewhere"), [])
  })

  it("takes no older version, and no end of an object that has a successor", () => {
    const { store, write } = Store.make(toys)
    write({ _tag: "Applied", object: toy("bear", { resourceVersion: "20" }) })
    assert.deepStrictEqual(write({ _tag: "Applied", object: toy("bear", { resourceVersion: "9" }) }), [])
    assert.deepStrictEqual(write({ _tag: "Deleted", object: toy("bear", { uid: "earlier" }) }), [])
    assert.strictEqual(store.list().length, 1)
    assert.deepStrictEqual(
      write({ _tag: "Applied", object: toy("bear", { uid: "later", resourceVersion: "3" }) }).map(({ _tag }) => _tag),
      ["Deleted", "Added"]
    )
  })

  it("takes what a listing says although it is older: etcd was restored from a backup", () => {
    const { store, write } = Store.make(toys)
    write({ _tag: "Listed", items: [toy("bear", { resourceVersion: "900" })] })
    const restored = toy("bear", { resourceVersion: "20" })
    assert.deepStrictEqual(
      write({ _tag: "Listed", items: [restored] }).map(({ _tag }) => _tag),
      ["Updated"]
    )
    const next = toy("bear", { resourceVersion: "21" })
    write({ _tag: "Applied", object: next })
    assert.strictEqual(store.get({ namespace: "play", name: "bear" }), next)
  })

  it("says what it cannot read, until it is read, gone, or listed anew", () => {
    const { store, write } = Store.make(toys)
    const key = { namespace: "play", name: "bear" }
    const broken: WatchEvent<Toy> = { _tag: "Undecodable", key, message: "no size" }
    write({ _tag: "Listed", items: [toy("duck")] })
    write(broken)
    assert.deepStrictEqual(store.unreadable(), [key])
    write({ _tag: "Applied", object: toy("bear") })
    assert.deepStrictEqual(store.unreadable(), [])
    write(broken)
    assert.isDefined(store.get(key))
    write({ _tag: "Deleted", object: toy("bear") })
    assert.deepStrictEqual(store.unreadable(), [])
    write(broken)
    write({ _tag: "Listed", items: [] })
    assert.deepStrictEqual(store.unreadable(), [])
  })

  it("is never ready without knowing what it cannot read, and keeps the last version of it", () => {
    const { store, write } = Store.make(toys)
    const key = { namespace: "play", name: "bear" }
    write({ _tag: "Listed", items: [toy("duck")], unreadable: [key] })
    assert.deepStrictEqual(store.unreadable(), [key])
    write({ _tag: "Applied", object: toy("bear") })
    assert.deepStrictEqual(write({ _tag: "Listed", items: [toy("duck")], unreadable: [key] }), [])
    assert.deepStrictEqual(store.unreadable(), [key])
    assert.isDefined(store.get(key))
    assert.deepStrictEqual(write({ _tag: "Listed", items: [toy("duck")] }), [{ _tag: "Deleted", object: toy("bear") }])
  })

  it("an unknown index is a mistake of the caller", () => {
    assert.throws(() => Store.make(toys).store.byIndex("none", "x"), /Toy has no index "none"/u)
  })

  it.effect("is ready with the first listing", () =>
    Effect.gen(function* () {
      const writer = Store.make(toys)
      writer.write({ _tag: "Applied", object: toy("bear") })
      assert.isFalse(writer.isReady())
      writer.write({ _tag: "Listed", items: [] })
      assert.isTrue(writer.isReady())
      yield* writer.store.ready
    })
  )
})
