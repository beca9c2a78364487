import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import { connection } from "./Site.ts"

const key = { namespace: "default", name: "vmm" }
const other = { namespace: "default", name: "other" }

/** Lets every fiber that can run do so. */
const settle = Effect.forEach(Array.from({ length: 50 }), () => Effect.yieldNow, { discard: true })

const hear = Effect.fnUntraced(function* () {
  const providers = yield* Providers
  const heard: Array<string> = []
  yield* Effect.forkScoped(Stream.runForEach(providers.changes, ({ name }) => Effect.sync(() => heard.push(name))))
  yield* settle
  return {
    since: Effect.map(settle, () => heard.splice(0))
  }
})

describe("Providers", () => {
  it.effect("what nobody looked at is told from what cannot be used", () =>
    Effect.gen(function* () {
      const providers = yield* Providers
      assert.deepStrictEqual(yield* providers.get(key), { _tag: "Unjudged" })
      yield* providers.refuse(key)
      assert.deepStrictEqual(yield* providers.get(key), { _tag: "Unusable" })
      yield* providers.set(key, connection)
      assert.deepStrictEqual(yield* providers.get(key), { _tag: "Usable", connection })
      assert.deepStrictEqual(yield* providers.get(other), { _tag: "Unjudged" })
      yield* providers.remove(key)
      assert.deepStrictEqual(yield* providers.get(key), { _tag: "Unjudged" })
    }).pipe(Effect.provide(Providers.layer))
  )

  it.effect("tells of another judgement, spec, Secret or uid, and of nothing else", () =>
    Effect.gen(function* () {
      const providers = yield* Providers
      const { since } = yield* hear()
      const told = Effect.fnUntraced(function* (what: Effect.Effect<void>, news: boolean) {
        yield* what
        assert.deepStrictEqual(yield* since, news ? ["vmm"] : [])
      })
      yield* told(providers.remove(key), false)
      yield* told(providers.refuse(key), true)
      yield* told(providers.refuse(key), false)
      yield* told(providers.set(key, connection), true)
      yield* told(providers.set(key, { ...connection }), false)
      yield* told(providers.set(key, { ...connection, credentialVersion: "2" }), true)
      yield* told(providers.set(key, { ...connection, credentialVersion: "2", specVersion: "2" }), true)
      yield* told(providers.set(key, { ...connection, uid: "another" }), true)
      yield* told(providers.refuse(key), true)
      yield* told(providers.remove(key), true)
    }).pipe(Effect.provide(Providers.layer), Effect.scoped)
  )

  it.effect("who comes late hears of all that is judged", () =>
    Effect.gen(function* () {
      const providers = yield* Providers
      yield* providers.set(key, connection)
      yield* providers.refuse(other)
      yield* providers.refuse({ ...key, name: "gone" })
      yield* providers.remove({ ...key, name: "gone" })
      const first = yield* hear()
      const second = yield* hear()
      assert.deepStrictEqual(yield* first.since, ["vmm", "other"])
      assert.deepStrictEqual(yield* second.since, ["vmm", "other"])
      yield* providers.set(other, connection)
      assert.deepStrictEqual([yield* first.since, yield* second.since], [["other"], ["other"]])
    }).pipe(Effect.provide(Providers.layer), Effect.scoped)
  )
})
