/** KubeClient against a real kube-apiserver. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import * as Watcher from "../../../layers/kube/Watcher.ts"
import { ConfigMap, Namespace } from "../../../schemas/kube/Core.ts"
import { ObjectMeta } from "../../../schemas/kube/ObjectMeta.ts"
import * as Patch from "../../../schemas/kube/Patch.ts"
import type { Resource } from "../../../schemas/kube/Resource.ts"
import { describeReal, freshNamespace, realApi, realConfig } from "../../harness/ApiServer.ts"

const schema = Schema.Struct({
  metadata: ObjectMeta,
  spec: Schema.Struct({ replicas: Schema.optionalKey(Schema.Int) }),
  status: Schema.optionalKey(Schema.Struct({ observedGeneration: Schema.optionalKey(Schema.Int) }))
})
const Deployment: Resource<typeof schema.Type> = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
  schema
}
const deployment = (name: string) => ({
  metadata: { name },
  spec: {
    replicas: 1,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "none" }] } }
  }
})

describeReal("KubeClient on a real API server", (it) => {
  it.effect("creates, gets, patches and deletes", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const key = { namespace, name: "one" }
      const created = yield* kube.create(ConfigMap, namespace, { metadata: { name: "one" }, data: { a: "1" } })
      assert.deepStrictEqual(created.data, { a: "1" })
      const merged = yield* kube.patch(ConfigMap, key, Patch.merge({ data: { a: null, b: "2" } }))
      assert.deepStrictEqual(merged.data, { b: "2" })
      const changed = yield* kube.patch(
        ConfigMap,
        key,
        Patch.json([
          { op: "test", path: "/data/b", value: "2" },
          { op: "replace", path: "/data/b", value: "3" }
        ])
      )
      assert.deepStrictEqual(changed.data, { b: "3" })
      assert.deepStrictEqual(yield* kube.get(ConfigMap, key), changed)
      yield* kube.delete(ConfigMap, key)
      const gone = yield* Effect.flip(kube.get(ConfigMap, key))
      assert.strictEqual(gone._tag, "KubeNotFound")
      assert.include(gone.message, `GET /api/v1/namespaces/${namespace}/configmaps/one`)
    })
  )

  it.effect("tells a conflict from an object that exists", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const first = yield* kube.create(ConfigMap, namespace, { metadata: { name: "one" } })
      const again = yield* Effect.flip(kube.create(ConfigMap, namespace, { metadata: { name: "one" } }))
      assert.strictEqual(again._tag === "KubeConflict" && again.reason, "AlreadyExists")
      yield* kube.patch(ConfigMap, { namespace, name: "one" }, Patch.merge({ data: { a: "1" } }))
      const { resourceVersion } = first.metadata
      const late = yield* Effect.flip(
        kube.patch(
          ConfigMap,
          { namespace, name: "one" },
          Patch.merge({ metadata: { resourceVersion }, data: { a: "2" } })
        )
      )
      assert.strictEqual(late._tag === "KubeConflict" && late.reason, "Conflict")
      const tested = yield* Effect.flip(
        kube.patch(ConfigMap, { namespace, name: "one" }, Patch.json([{ op: "test", path: "/data/a", value: "9" }]))
      )
      assert.strictEqual(tested._tag, "KubeInvalid")
    })
  )

  it.effect("lists every page, in order", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const names = Array.from({ length: 7 }, (_, index) => `map-${index}`)
      yield* Effect.forEach(
        names,
        (name) => kube.create(ConfigMap, namespace, { metadata: { name, labels: { name } } }),
        {
          concurrency: 4
        }
      )
      const config = yield* realConfig
      const paged = KubeClient.layer(config, { pageSize: 2 }).pipe(Layer.provide(Dial.layerUndici))
      yield* Effect.gen(function* () {
        const kube = yield* KubeClient
        const all = yield* kube.list(ConfigMap, { namespace, fieldSelector: "metadata.name!=kube-root-ca.crt" })
        assert.deepStrictEqual(
          all.items.map((item) => item.metadata.name),
          names
        )
        const some = yield* kube.list(ConfigMap, { namespace, labelSelector: "name in (map-1,map-5)" })
        assert.deepStrictEqual(
          some.items.map((item) => item.metadata.name),
          ["map-1", "map-5"]
        )
      }).pipe(Effect.provide(paged))
    })
  )

  it.effect("names the fields of an invalid object", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const error = yield* Effect.flip(
        kube.create(Deployment, namespace, { ...deployment("bad"), spec: { ...deployment("bad").spec, replicas: -1 } })
      )
      assert.strictEqual(error._tag, "KubeInvalid")
      if (error._tag !== "KubeInvalid") return
      assert.strictEqual(error.status, 422)
      assert.deepStrictEqual(
        error.causes.map((cause) => [cause.field, cause.reason]),
        [["spec.replicas", "FieldValueInvalid"]]
      )
      const strict = yield* Effect.flip(
        kube.create(
          ConfigMap,
          namespace,
          { metadata: { name: "odd" }, unknown: true },
          { fieldValidation: "Strict", dryRun: true }
        )
      )
      assert.strictEqual(strict._tag === "KubeInvalid" && strict.status, 400)
      assert.include(strict.message, 'unknown field "unknown"')
    })
  )

  it.effect("writes status alone, and logs what the server warns of", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const key = { namespace, name: "d" }
      const lines: Array<string> = []
      const log = Logger.layer([
        Logger.make(
          (options) => void lines.push(JSON.stringify(options.fiber.getRef(References.CurrentLogAnnotations)))
        )
      ])
      yield* kube
        .create(Deployment, namespace, { ...deployment("d"), surplus: 1 }, { fieldValidation: "Warn" })
        .pipe(Effect.provide(log))
      assert.include(lines.join(), "unknown field")
      const both = Patch.merge({ spec: { replicas: 5 }, status: { observedGeneration: 42 } })
      const status = yield* kube.patch(Deployment, key, both, { subresource: "status" })
      assert.strictEqual(status.status?.observedGeneration, 42)
      assert.strictEqual(status.spec.replicas, 1)
      const spec = yield* kube.patch(
        Deployment,
        key,
        Patch.merge({ spec: { replicas: 2 }, status: { observedGeneration: 1 } })
      )
      assert.strictEqual(spec.spec.replicas, 2)
      assert.strictEqual(spec.status?.observedGeneration, 42)
    })
  )

  it.effect("deletes only what the preconditions name", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const key = { namespace, name: "one" }
      const object = yield* kube.create(ConfigMap, namespace, {
        metadata: { name: "one", finalizers: ["example.com/hold"] }
      })
      const other = yield* Effect.flip(kube.delete(ConfigMap, key, { uid: "00000000-0000-0000-0000-000000000000" }))
      assert.strictEqual(other._tag === "KubeConflict" && other.reason, "Conflict")
      const stale = yield* Effect.flip(kube.delete(ConfigMap, key, { resourceVersion: "1" }))
      assert.strictEqual(stale._tag, "KubeConflict")
      yield* kube.delete(ConfigMap, key, { uid: object.metadata.uid, propagationPolicy: "Foreground" })
      const held = yield* kube.get(ConfigMap, key)
      assert.isString(held.metadata.deletionTimestamp)
      // The foreground finalizer may be there or not any more: the garbage collector is quick where nothing is owned.
      assert.include(held.metadata.finalizers ?? [], "example.com/hold")
      yield* kube.patch(ConfigMap, key, Patch.merge({ metadata: { finalizers: null } }))
      assert.strictEqual((yield* Effect.flip(kube.get(ConfigMap, key)))._tag, "KubeNotFound")
    })
  )

  it.effect("reports a kind that is not served, a wrong token, and plain paths", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const absent = yield* Effect.flip(kube.list({ ...ConfigMap, group: "nowhere.example", plural: "things" }))
      assert.strictEqual(absent._tag, "KubeNotFound")
      const version = yield* kube.raw("/version")
      assert.property(version, "gitVersion")
      const { server, ca } = yield* realApi
      const anonymous = KubeClient.layer(KubeConfig.fixed({ server, tls: { ca } }))
      const error = yield* Effect.flip(
        Effect.provide(
          Effect.flatMap(KubeClient, (kube) => kube.list(Namespace)),
          anonymous.pipe(Layer.provide(Dial.layerUndici))
        )
      )
      assert.strictEqual(error._tag === "KubeForbidden" && error.status, 403)
      const untrusted = yield* Effect.flip(
        Effect.provide(
          Effect.flatMap(KubeClient, (kube) => kube.list(Namespace)),
          KubeClient.layer(KubeConfig.fixed({ server })).pipe(Layer.provide(Dial.layerUndici))
        )
      )
      assert.strictEqual(untrusted._tag, "KubeUnreachable")
      assert.include(untrusted.message, "its CA is missing")
    })
  )

  it.effect("watches from a listing on", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const fieldSelector = "metadata.name!=kube-root-ca.crt"
      yield* kube.create(ConfigMap, namespace, { metadata: { name: "before" } })
      const seen = yield* Watcher.watch(ConfigMap, { namespace, fieldSelector }).pipe(
        Stream.tap((event) =>
          event._tag === "Listed"
            ? kube
                .create(ConfigMap, namespace, { metadata: { name: "after" } })
                .pipe(
                  Effect.andThen(
                    kube.patch(ConfigMap, { namespace, name: "after" }, Patch.merge({ data: { a: "1" } }))
                  ),
                  Effect.andThen(kube.delete(ConfigMap, { namespace, name: "before" })),
                  Effect.orDie
                )
            : Effect.void
        ),
        Stream.take(4),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        seen.map((event) =>
          event._tag === "Listed"
            ? event.items.map((item) => item.metadata.name)
            : event._tag === "Undecodable"
              ? event.message
              : [event._tag, event.object.metadata.name, event.object.data?.["a"]]
        ),
        [["before"], ["Applied", "after", undefined], ["Applied", "after", "1"], ["Deleted", "before", undefined]]
      )
    })
  )

  it.effect("an interrupted watch closes its connection and the client goes on", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const fiber = yield* Watcher.watch(ConfigMap, { namespace }).pipe(Stream.runDrain, Effect.forkChild)
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(fiber)
      yield* kube.create(ConfigMap, namespace, { metadata: { name: "after" } })
    })
  )
})

describeReal("the real control plane's controllers", (it) => {
  it.effect("collect what an owner leaves behind", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const { metadata } = yield* kube.create(ConfigMap, namespace, { metadata: { name: "owner" } })
      const owner = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: metadata.uid }
      const gone = yield* Watcher.watch(ConfigMap, { namespace }).pipe(
        Stream.tap((event) =>
          event._tag === "Listed"
            ? kube
                .create(ConfigMap, namespace, { metadata: { name: "owned", ownerReferences: [owner] } })
                .pipe(
                  Effect.andThen(
                    kube.delete(ConfigMap, { namespace, name: "owner" }, { propagationPolicy: "Background" })
                  ),
                  Effect.orDie
                )
            : Effect.void
        ),
        Stream.filter((event) => event._tag === "Deleted" && event.object.metadata.name === "owned"),
        Stream.take(1),
        Stream.runCollect
      )
      assert.lengthOf(gone, 1)
    })
  )
})
