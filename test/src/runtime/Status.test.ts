import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Json } from "../../../schemas/kube/Patch.ts"
import * as Finalizer from "../../../src/runtime/Finalizer.ts"
import { apply } from "../../../src/runtime/MergeDiff.ts"
import * as Status from "../../../src/runtime/Status.ts"
import { makeApi, toy, toys } from "./Toy.ts"

const ready = (status: "True" | "False", message = "") => ({
  type: "Ready",
  status,
  reason: status === "True" ? "Ready" : "NotReady",
  message
})

const Text = Schema.Literals(["", "a", "b"])
const Fields = Schema.Struct({
  phase: Schema.optionalKey(Text),
  addresses: Schema.optionalKey(Schema.Array(Text)),
  nested: Schema.optionalKey(Schema.Struct({ a: Schema.optionalKey(Text), b: Schema.optionalKey(Schema.Int) }))
})
const Findings = Schema.Array(
  Schema.Struct({
    type: Schema.Literals(["Ready", "Paused", "Deleting"]),
    status: Schema.Literals(["True", "False", "Unknown"]),
    reason: Schema.Literals(["A", "B"]),
    message: Text
  })
)

describe("Status.patchOf", () => {
  it.prop(
    "what was written needs no second write, at any later time",
    { stored: Fields, fields: Fields, findings: Findings },
    ({ fields, findings, stored }) => {
      const patch = Status.patchOf(stored, { fields, findings }, "2026-01-01T00:00:00Z", 3)
      const written: Json = patch === undefined ? stored : apply(stored, patch)
      assert.isUndefined(
        Status.patchOf(written as { readonly [key: string]: Json }, { fields, findings }, "2027-01-01T00:00:00Z", 3)
      )
    }
  )

  it("names nothing but what differs", () => {
    const stored = { phase: "Building", built: 1, addresses: ["a"] }
    assert.deepStrictEqual(
      Status.patchOf(stored, { fields: { phase: "Ready", built: 1, addresses: undefined, absent: undefined } }, "t", 1),
      { phase: "Ready", addresses: null }
    )
  })

  it("writes the list of conditions whole, others' and old shapes included", () => {
    const stored = { conditions: [{ type: "VmCreated", status: "True", severity: "Info" }] }
    assert.deepStrictEqual(Status.patchOf(stored, { findings: [ready("True")] }, "2026-01-01T00:00:00Z", 2), {
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "Ready",
          message: "",
          lastTransitionTime: "2026-01-01T00:00:00Z",
          observedGeneration: 2
        },
        {
          type: "VmCreated",
          status: "True",
          reason: "Unspecified",
          message: "",
          lastTransitionTime: "2026-01-01T00:00:00Z"
        }
      ]
    })
  })
})

describe("Status.write", () => {
  it.effect("writes differences alone, under the resourceVersion", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* api.put(toys, "bear", { spec: { size: 1 }, status: { phase: "Building" } })
      const bear = toy("bear", { resourceVersion: "101", generation: 1 }, { status: { phase: "Building" } })
      const write = (object: typeof bear, phase: string) =>
        Status.write(toys, object, { fields: { phase }, findings: [ready("False", "soon")] }).pipe(
          Effect.provide(api.layer)
        )
      assert.isTrue(yield* write(bear, "Ready"))
      assert.deepStrictEqual(api.writes, [
        {
          name: "bear",
          status: true,
          patch: {
            _tag: "Merge",
            body: {
              metadata: { resourceVersion: "101" },
              status: {
                phase: "Ready",
                conditions: [
                  {
                    type: "Ready",
                    status: "False",
                    reason: "NotReady",
                    message: "soon",
                    lastTransitionTime: "1970-01-01T00:00:00Z",
                    observedGeneration: 1
                  }
                ]
              }
            }
          }
        }
      ])
      const stored = Schema.decodeUnknownSync(toys.schema)(api.read(toys, "bear"))
      yield* TestClock.adjust("1 hour")
      assert.isFalse(yield* write(stored, "Ready"))
      assert.strictEqual(api.writes.length, 1)
      const error = yield* Effect.flip(write(bear, "Other"))
      assert.strictEqual(error._tag, "KubeConflict")
    })
  )
})

describe("Finalizer", () => {
  const finalizers = (value: Json | undefined) => Schema.decodeUnknownSync(toys.schema)(value).metadata.finalizers ?? []

  it.effect("adds and removes its own, and nothing twice", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* Effect.gen(function* () {
        yield* api.put(toys, "bear", { spec: { size: 1 }, metadata: { finalizers: ["other"] } })
        const bear = Schema.decodeUnknownSync(toys.schema)(api.read(toys, "bear"))
        const kept = yield* Finalizer.add(toys, bear, "ours")
        assert.deepStrictEqual(kept.metadata.finalizers, ["other", "ours"])
        assert.strictEqual(yield* Finalizer.add(toys, kept, "ours"), kept)
        yield* Finalizer.remove(toys, kept, "ours")
        assert.deepStrictEqual(finalizers(api.read(toys, "bear")), ["other"])
        yield* Finalizer.remove(toys, bear, "ours")
        assert.strictEqual(api.writes.length, 2)
      }).pipe(Effect.provide(api.layer))
    })
  )

  it.effect("adds the first of an object that has none", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* api.put(toys, "bear", { spec: { size: 1 } })
      const bear = Schema.decodeUnknownSync(toys.schema)(api.read(toys, "bear"))
      const kept = yield* Effect.provide(Finalizer.add(toys, bear, "ours"), api.layer)
      assert.deepStrictEqual(kept.metadata.finalizers, ["ours"])
    })
  )

  it.effect("on an old copy it is a conflict, and nothing of anybody else is touched", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* Effect.gen(function* () {
        yield* api.put(toys, "bear", { spec: { size: 1 }, metadata: { finalizers: ["ours", "other"] } })
        const old = Schema.decodeUnknownSync(toys.schema)(api.read(toys, "bear"))
        yield* api.put(toys, "bear", { metadata: { finalizers: ["other"] } })
        assert.strictEqual((yield* Effect.flip(Finalizer.add(toys, old, "new")))._tag, "KubeConflict")
        assert.strictEqual((yield* Effect.flip(Finalizer.remove(toys, old, "ours")))._tag, "KubeConflict")
        assert.deepStrictEqual(finalizers(api.read(toys, "bear")), ["other"])
      }).pipe(Effect.provide(api.layer))
    })
  )

  it.effect("an object that is gone has no finalizer", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      const gone = toy("bear", { finalizers: ["ours"] })
      yield* Effect.provide(Finalizer.remove(toys, gone, "ours"), api.layer)
      const error = yield* Effect.flip(Effect.provide(Finalizer.add(toys, gone, "more"), api.layer))
      assert.strictEqual(error._tag, "KubeNotFound")
    })
  )
})
