/** Finalizer, Status and a controller over a whole API: the embedded server, and the real one where its binaries are. */
import { assert, layer } from "@effect/vitest"
import type { Vitest } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import { ScvmmNamePool } from "../../../schemas/scvmm/ScvmmNamePool.ts"
import * as Action from "../../../src/runtime/Action.ts"
import * as Controller from "../../../src/runtime/Controller.ts"
import * as Finalizer from "../../../src/runtime/Finalizer.ts"
import { Informers } from "../../../src/runtime/Informers.ts"
import * as Manager from "../../../src/runtime/Manager.ts"
import * as Status from "../../../src/runtime/Status.ts"
import * as Triggers from "../../../src/runtime/Triggers.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import { describeReal, freshNamespace } from "../../harness/ApiServer.ts"

const ours = "infrastructure.example/ours"
const other = "infrastructure.example/other"
const body = (name: string, finalizers: ReadonlyArray<string> = []) => ({
  metadata: { name, ...(finalizers.length > 0 && { finalizers }) },
  spec: { vmNameRanges: [{ from: "a1", to: "a9" }] }
})

const ready = { type: "Ready", status: "True", reason: "Ready", message: "" } as const

const suite = (it: Vitest.MethodsNonLive<KubeClient>): void => {
  it.effect("Finalizer: first, further, old copies, deletion", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const bare = yield* kube.create(ScvmmNamePool, namespace, body("pool"))
      const key = keyOf(bare)
      const kept = yield* Finalizer.add(ScvmmNamePool, bare, ours)
      assert.deepStrictEqual(kept.metadata.finalizers, [ours])
      assert.strictEqual((yield* Effect.flip(Finalizer.add(ScvmmNamePool, bare, other)))._tag, "KubeConflict")

      const both = yield* Finalizer.add(ScvmmNamePool, kept, other)
      yield* Finalizer.remove(ScvmmNamePool, both, ours)
      // In the copy that still has both, "other" is second: there it is none any more.
      assert.strictEqual((yield* Effect.flip(Finalizer.remove(ScvmmNamePool, both, other)))._tag, "KubeConflict")

      yield* kube.delete(ScvmmNamePool, key)
      const leaving = yield* kube.get(ScvmmNamePool, key)
      assert.isDefined(leaving.metadata.deletionTimestamp)
      assert.oneOf((yield* Effect.flip(Finalizer.add(ScvmmNamePool, leaving, ours)))._tag, [
        "KubeForbidden",
        "KubeInvalid"
      ])
      yield* Finalizer.remove(ScvmmNamePool, leaving, other)
      assert.strictEqual((yield* Effect.flip(kube.get(ScvmmNamePool, key)))._tag, "KubeNotFound")
      yield* Finalizer.remove(ScvmmNamePool, leaving, other)
    })
  )

  it.effect("Finalizer: an object made again under the same name is not meant", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const first = yield* kube.create(ScvmmNamePool, namespace, body("pool"))
      yield* kube.delete(ScvmmNamePool, keyOf(first))
      yield* kube.create(ScvmmNamePool, namespace, body("pool", [ours]))
      const stale = { ...first, metadata: { ...first.metadata, finalizers: [ours] } }
      assert.strictEqual((yield* Effect.flip(Finalizer.remove(ScvmmNamePool, stale, ours)))._tag, "KubeConflict")
    })
  )

  it.effect("Status: differences alone, once, under the resourceVersion", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const pool = yield* kube.create(ScvmmNamePool, namespace, body("pool"))
      const desired = {
        fields: { counts: { total: 9, free: 9, used: 0 }, vmNameOwners: { a1: "m1" } },
        findings: [ready]
      }
      assert.isTrue(yield* Status.write(ScvmmNamePool, pool, desired))
      assert.strictEqual(
        (yield* Effect.flip(
          Status.write(ScvmmNamePool, pool, { fields: { counts: undefined, vmNameOwners: { a2: "m2" } } })
        ))._tag,
        "KubeConflict"
      )
      const written = yield* kube.get(ScvmmNamePool, keyOf(pool))
      assert.deepStrictEqual(written.status?.counts, { total: 9, free: 9, used: 0 })
      assert.strictEqual(written.status?.conditions?.[0]?.observedGeneration, 1)
      assert.isFalse(yield* Status.write(ScvmmNamePool, written, desired))
      assert.isTrue(
        yield* Status.write(ScvmmNamePool, written, { fields: { vmNameOwners: { a2: "m2" }, counts: undefined } })
      )
      const after = yield* kube.get(ScvmmNamePool, keyOf(pool))
      assert.deepStrictEqual(after.status?.vmNameOwners, { a2: "m2" })
      assert.isUndefined(after.status?.counts)
      assert.deepStrictEqual(after.status?.conditions, written.status?.conditions)
      assert.strictEqual(after.metadata.generation, 1)
    })
  )

  it.effect("a controller brings objects to rest and lets them go", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const gone = yield* Deferred.make<void>()
      let runs = 0
      yield* Effect.gen(function* () {
        const store = yield* (yield* Informers).store(ScvmmNamePool)
        const controller = Controller.make({
          name: "pool",
          resource: ScvmmNamePool,
          triggers: [Triggers.self(ScvmmNamePool)],
          reconcile: Effect.fnUntraced(function* (key) {
            runs += 1
            const pool = store.get(key)
            if (pool === undefined) yield* Deferred.succeed(gone, undefined)
            else if (pool.metadata.deletionTimestamp !== undefined) yield* Finalizer.remove(ScvmmNamePool, pool, ours)
            else {
              const kept = yield* Finalizer.add(ScvmmNamePool, pool, ours)
              yield* Status.write(ScvmmNamePool, kept, { findings: [ready] })
            }
            return Action.done
          })
        })
        yield* Effect.forkChild(Manager.run([controller]))
        const bring = Effect.fnUntraced(function* (name: string) {
          const made = yield* kube.create(ScvmmNamePool, namespace, body(name))
          return yield* kube.get(ScvmmNamePool, keyOf(made)).pipe(
            Effect.filterOrFail(({ status }) => status?.conditions?.[0]?.status === "True"),
            Effect.retry(Schedule.spaced("20 millis"))
          )
        })
        const first = yield* bring("first")
        assert.deepStrictEqual(first.metadata.finalizers, [ours])
        // While another is brought up, the first is at rest.
        yield* bring("second")
        const later = yield* kube.get(ScvmmNamePool, keyOf(first))
        assert.strictEqual(later.metadata.resourceVersion, first.metadata.resourceVersion)
        yield* kube.delete(ScvmmNamePool, keyOf(first))
        yield* Deferred.await(gone)
        assert.isAtMost(runs, 12)
      }).pipe(Effect.provide(Informers.layer(() => ({ namespace }))))
    }).pipe(Effect.provide(Logger.layer([])))
  )
}

const crds = path.resolve(import.meta.dirname, "../../../schemas/crds")
const origin = "https://api.example"

const layerEmbedded = Layer.unwrap(
  Effect.gen(function* () {
    const server = yield* EmbeddedApiServer.make({
      crds: fs.readdirSync(crds).map((file) => Yaml.parse(fs.readFileSync(path.join(crds, file), "utf8"))),
      tokens: [{ token: Redacted.make("t"), user: "admin" }]
    })
    return KubeClient.layer(KubeConfig.fixed({ server: origin, token: Redacted.make("t") })).pipe(
      Layer.provide(Dial.layerInProcess(new Map([[origin, server.handler]])))
    )
  })
)

layer(layerEmbedded, { excludeTestServices: true })("the runtime on the embedded API server", suite)
describeReal("the runtime on a real API server", suite)
