import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Access from "../../../../src/simulators/kube/Access.ts"
import * as EmbeddedApiServer from "../../../../src/simulators/kube/EmbeddedApiServer.ts"
import { at, text, withMetadata, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import type { Snapshot } from "../../../../src/simulators/kube/Snapshot.ts"

const configMaps = { group: "", version: "v1", plural: "configmaps" }
const accounts = { group: "", version: "v1", plural: "serviceaccounts" }
const namespaces = { group: "", version: "v1", plural: "namespaces" }
const crds = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }
const things = { group: "x.io", version: "v1", plural: "things" }

const crd: KubeJson = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.x.io" },
  spec: {
    group: "x.io",
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
      }
    ]
  }
}

const settled = Effect.repeat(Effect.yieldNow, { times: 100 })

/** As it would be read back from a file. */
const written = (snapshot: Snapshot): Snapshot => JSON.parse(JSON.stringify(snapshot)) as Snapshot

const Write = Schema.Struct({
  resource: Schema.Literals(["configmaps", "things"]),
  verb: Schema.Literals(["create", "change", "hold", "free", "delete"]),
  name: Schema.Literals(["a", "b", "c"]),
  owner: Schema.Literals(["", "a", "b"]),
  value: Schema.Int
})
type Write = typeof Write.Type

const perform = (access: Access.Access, write: Write) =>
  Effect.gen(function* () {
    const { name, value } = write
    const resource = write.resource === "things" ? things : configMaps
    const patch = (body: KubeJson) => access.mergePatch(resource, "default", name, body)
    switch (write.verb) {
      case "create": {
        const owner = yield* access.find(resource, "default", write.owner)
        const owners =
          owner === undefined
            ? []
            : [
                {
                  apiVersion: text(owner, "apiVersion"),
                  kind: text(owner, "kind"),
                  name: write.owner,
                  uid: text(owner, "metadata", "uid")
                }
              ]
        const kind = write.resource === "things" ? { apiVersion: "x.io/v1", kind: "Thing" } : {}
        return yield* access.create(resource, "default", { ...kind, metadata: { name, ownerReferences: owners } })
      }
      case "change":
        return yield* patch({ data: { value: String(value) } })
      case "hold":
        return yield* patch({ metadata: { finalizers: ["x.io/a"] } })
      case "free":
        return yield* patch({ metadata: { finalizers: null } })
      case "delete":
        return yield* access.delete(resource, "default", name)
    }
  }).pipe(Effect.exit, Effect.andThen(settled))

/** Without what is drawn at random. */
const anonymous = (object: KubeJson): KubeJson =>
  withMetadata(object, {
    uid: "",
    ownerReferences: (at(object, "metadata", "ownerReferences") ?? null) === null ? null : "some"
  })

const listed = (access: Access.Access) =>
  Effect.forEach([configMaps, things], (resource) =>
    Effect.map(access.list(resource, "default"), ({ items, resourceVersion }) => ({
      resourceVersion,
      items: items.map(anonymous)
    }))
  )

/** Everything a watch from a version on sees by now. */
const watched = (access: Access.Access, resourceVersion: string) =>
  Effect.forEach([configMaps, things], (resource) =>
    Effect.gen(function* () {
      const seen: Array<readonly [string, KubeJson]> = []
      const reading = yield* access.watch(resource, "default", { resourceVersion }).pipe(
        Stream.runForEach((event) => Effect.sync(() => seen.push([event.type, anonymous(event.object)]))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* settled
      yield* Fiber.interrupt(reading)
      return seen
    })
  )

describe("a snapshot", () => {
  it.effect.prop(
    "goes on as if nothing had happened",
    { before: Schema.Array(Write), after: Schema.Array(Write) },
    ({ before, after }) =>
      Effect.gen(function* () {
        const original = yield* EmbeddedApiServer.make({ crds: [crd] })
        yield* settled
        const { resourceVersion: start } = yield* original.access.list(configMaps, "default")
        yield* Effect.forEach(before, (write) => perform(original.access, write))
        const { resourceVersion: middle } = yield* original.access.list(configMaps, "default")
        const restored = yield* EmbeddedApiServer.make({ from: written(yield* original.snapshot) })
        yield* settled
        for (const write of after) {
          yield* perform(original.access, write)
          yield* perform(restored.access, write)
        }
        assert.deepStrictEqual(yield* listed(restored.access), yield* listed(original.access))
        for (const version of [start, middle]) {
          assert.deepStrictEqual(yield* watched(restored.access, version), yield* watched(original.access, version))
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 60 } }
  )

  it.effect("keeps one server's changes from the other", () =>
    Effect.gen(function* () {
      const original = yield* EmbeddedApiServer.make()
      yield* original.access.create(configMaps, "default", { metadata: { name: "a" }, data: { a: "b" } })
      const snapshot = yield* original.snapshot
      const [one, two] = [
        yield* EmbeddedApiServer.make({ from: snapshot }),
        yield* EmbeddedApiServer.make({ from: snapshot })
      ]
      yield* one.access.mergePatch(configMaps, "default", "a", { data: { a: "c" } })
      yield* two.access.delete(configMaps, "default", "a")
      const data = (server: EmbeddedApiServer.EmbeddedApiServer) =>
        Effect.map(server.access.find(configMaps, "default", "a"), (found) => found?.["data"])
      assert.deepStrictEqual(
        [yield* data(original), yield* data(one), yield* data(two)],
        [{ a: "b" }, { a: "c" }, undefined]
      )
    })
  )

  it.effect("says 410 to a watch from before its memory", () =>
    Effect.gen(function* () {
      const original = yield* EmbeddedApiServer.make()
      const { resourceVersion } = yield* original.access.list(configMaps, "default")
      yield* original.access.create(configMaps, "default", { metadata: { name: "a" } })
      yield* original.compact
      const { access } = yield* EmbeddedApiServer.make({ from: yield* original.snapshot })
      const watching = access.watch(configMaps, "default", { resourceVersion }).pipe(Stream.runDrain)
      assert.strictEqual((yield* Effect.flip(watching)).status, 410)
    })
  )

  it.effect("finishes what the controllers had before them, and takes the tokens that were issued", () =>
    Effect.gen(function* () {
      const original = yield* EmbeddedApiServer.make({ crds: [crd] })
      yield* settled
      yield* original.access.create(namespaces, "", { metadata: { name: "n" } })
      yield* original.access.create(things, "n", { apiVersion: "x.io/v1", kind: "Thing", metadata: { name: "t" } })
      const owner = yield* original.access.create(configMaps, "default", { metadata: { name: "owner" } })
      const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: text(owner, "metadata", "uid") }
      yield* original.access.create(configMaps, "default", {
        metadata: { name: "child", ownerReferences: [reference] }
      })
      const target = `${Access.path(accounts, "default", "default")}/token`
      const answer = yield* original.access.raw("POST", target, { "content-type": "application/json" }, "{}")
      const token = text(JSON.parse(answer.text), "status", "token")
      yield* original.access.delete(configMaps, "default", "owner")
      yield* original.access.delete(namespaces, "", "n")
      yield* original.access.delete(crds, "", "things.x.io")
      const { access, handler } = yield* EmbeddedApiServer.make({ from: yield* original.snapshot })
      yield* settled
      assert.isUndefined(yield* access.find(configMaps, "default", "child"))
      assert.isUndefined(yield* access.find(namespaces, "", "n"))
      assert.isUndefined(yield* access.find(crds, "", "things.x.io"))
      assert.strictEqual((yield* Effect.flip(access.list(things, "n"))).status, 404)
      const headers = { authorization: `Bearer ${token}` }
      assert.strictEqual((yield* Access.make(handler).raw("GET", "/api", headers)).status, 200)
    })
  )
})
