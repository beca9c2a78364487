import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import * as CertificateAuthority from "../../../../src/simulators/CertificateAuthority.ts"
import * as Access from "../../../../src/simulators/kube/Access.ts"
import * as EmbeddedApiServer from "../../../../src/simulators/kube/EmbeddedApiServer.ts"
import { at, isObject, objects, text, type Json, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import { remote } from "../../../../src/simulators/kube/RemoteApiServer.ts"
import { listen } from "../../../../src/simulators/Listener.ts"

const configMaps = { group: "", version: "v1", plural: "configmaps" }
const events = { group: "events.k8s.io", version: "v1", plural: "events" }
const coreEvents = { group: "", version: "v1", plural: "events" }
const nodes = { group: "", version: "v1", plural: "nodes" }
const crds = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }
const machines = { group: "cluster.x-k8s.io", version: "v1beta2", plural: "machines" }

const configMap = (name: string, data: KubeJson = { a: "b" }): KubeJson => ({ metadata: { name }, data })

/** The server's own controllers run in a fiber of theirs: it gets its turns, and no time passes. */
const settled = Effect.repeat(Effect.yieldNow, { times: 50 })

const folder = path.resolve(import.meta.dirname, "../../../../schemas/crds")
const ours = (): ReadonlyArray<KubeJson> =>
  fs
    .readdirSync(folder)
    .map((file): Json => Yaml.parse(fs.readFileSync(path.join(folder, file), "utf8")))
    .filter(isObject)

describe("the embedded API server", () => {
  it.effect("serves the CRDs it was made with, our own among them", () =>
    Effect.gen(function* () {
      const found = ours()
      assert.isAtLeast(found.length, 8)
      const { access } = yield* EmbeddedApiServer.make({ crds: found })
      for (const crd of (yield* access.list(crds, "")).items) {
        const established = objects(crd, "status", "conditions").find((each) => each["type"] === "Established")
        assert.strictEqual(established?.["status"], "True", text(crd, "metadata", "name"))
        const plural = text(crd, "spec", "names", "plural")
        const resource = { group: "infrastructure.cluster.x-k8s.io", version: "v1alpha1", plural }
        assert.deepStrictEqual((yield* access.list(resource, "default")).items, [])
      }
    })
  )

  it.effect("establishes CRDs as they come, and drops their objects when they go", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      const things = { group: "x.io", version: "v1", plural: "things" }
      const crd = {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.x.io" },
        spec: {
          group: "x.io",
          scope: "Cluster",
          names: { plural: "things", kind: "Thing" },
          versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }]
        }
      }
      assert.strictEqual((yield* Effect.flip(access.list(things, ""))).status, 404)
      const misnamed = { ...crd, metadata: { name: "other.x.io" } }
      assert.strictEqual((yield* Effect.flip(access.create(crds, "", misnamed))).status, 422)
      yield* access.create(crds, "", crd)
      yield* access.create(things, "", { apiVersion: "x.io/v1", kind: "Thing", metadata: { name: "a" } })
      yield* settled
      const stored = yield* access.get(crds, "", "things.x.io")
      assert.strictEqual(text(stored, "status", "acceptedNames", "listKind"), "ThingList")
      yield* access.delete(crds, "", "things.x.io")
      yield* settled
      assert.strictEqual((yield* Effect.flip(access.list(things, ""))).status, 404)
    })
  )

  it.effect("lets in whom it knows", () =>
    Effect.gen(function* () {
      const { handler, audit } = yield* EmbeddedApiServer.make({
        tokens: [{ token: Redacted.make("secret"), user: "operator" }]
      })
      const ask = (target: string, authorization?: string, method = "GET") =>
        Effect.map(
          Access.make(handler).raw(method, target, { ...(authorization !== undefined && { authorization }) }),
          (answer) => answer.status
        )
      assert.strictEqual(yield* ask("/api/v1/namespaces"), 403)
      assert.strictEqual(yield* ask("/api/v1/namespaces", "Bearer other"), 401)
      assert.strictEqual(yield* ask("/readyz"), 200)
      assert.strictEqual(yield* ask("/api/v1/namespaces", "Bearer secret"), 200)
      yield* ask("/api/v1/namespaces/default/configmaps/none", "Bearer secret", "DELETE")
      assert.deepStrictEqual(
        audit.recent().map(({ user, verb, plural, code }) => [user, verb, plural, code]),
        [["operator", "delete", "configmaps", 404]]
      )
      assert.strictEqual(audit.writes(), 0)
    })
  )

  it.live("is the same over TLS, by its kubeconfig", () =>
    Effect.gen(function* () {
      const server = yield* EmbeddedApiServer.make({ clientCertificates: [{ commonName: "guest" }] })
      const authority = yield* CertificateAuthority.make("test")
      const { cert, key } = yield* authority.issue({ commonName: "kube-apiserver", usage: "server" })
      const { origin } = yield* listen({ handler: server.handler, tls: { cert, key, clientCa: authority.ca } })
      const outside = Access.make(yield* remote(server.kubeconfig(origin, authority.ca)))
      yield* outside.create(configMaps, "default", configMap("a"))
      assert.deepStrictEqual((yield* server.access.get(configMaps, "default", "a"))["data"], { a: "b" })
      const watching = yield* outside
        .watch(configMaps, "default")
        .pipe(Stream.take(2), Stream.runCollect, Effect.forkChild({ startImmediately: true }))
      yield* server.access.create(configMaps, "default", configMap("b"))
      assert.deepStrictEqual(
        (yield* Fiber.join(watching)).map((event) => text(event.object, "metadata", "name")),
        ["a", "b"]
      )
      const guest = yield* authority.issue({ commonName: "guest", usage: "client" })
      const document = Yaml.parse(server.kubeconfig(origin, authority.ca))
      const base64 = (pem: string) => Buffer.from(pem).toString("base64")
      const withCertificate = (pair: { readonly cert: string; readonly key: string }) => ({
        ...document,
        users: [
          {
            name: "embedded",
            user: { "client-certificate-data": base64(pair.cert), "client-key-data": base64(pair.key) }
          }
        ]
      })
      const asGuest = Access.make(yield* remote(JSON.stringify(withCertificate(guest))))
      assert.strictEqual((yield* asGuest.list(configMaps, "default")).items.length, 2)
      const stranger = yield* authority.issue({ commonName: "stranger", usage: "client" })
      const asStranger = Access.make(yield* remote(JSON.stringify(withCertificate(stranger))))
      assert.strictEqual((yield* Effect.flip(asStranger.list(configMaps, "default"))).status, 401)
    })
  )

  it.effect("says 410 once history is gone", () =>
    Effect.gen(function* () {
      const { access, compact } = yield* EmbeddedApiServer.make()
      const { resourceVersion } = yield* access.list(configMaps, "default")
      yield* access.create(configMaps, "default", configMap("a"))
      yield* access.create(configMaps, "default", configMap("b"))
      const page = yield* access.raw("GET", `${Access.path(configMaps, "default")}?limit=1`)
      const token = text(JSON.parse(page.text), "metadata", "continue")
      yield* access.create(configMaps, "default", configMap("c"))
      yield* compact
      const watching = access.watch(configMaps, "default", { resourceVersion }).pipe(Stream.runDrain)
      assert.strictEqual((yield* Effect.flip(watching)).status, 410)
      const next = yield* access.raw("GET", `${Access.path(configMaps, "default")}?limit=1&continue=${token}`)
      assert.strictEqual(next.status, 410)
    })
  )

  it.effect("sends bookmarks in its own time, and ends watches", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      const query = "watch=true&allowWatchBookmarks=true&timeoutSeconds=150"
      const reading = yield* access
        .raw("GET", `${Access.path(configMaps, "default")}?${query}`)
        .pipe(Effect.forkChild({ startImmediately: true }))
      yield* TestClock.adjust("149 seconds")
      assert.isUndefined(reading.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const lines = (yield* Fiber.join(reading)).text.split("\n").filter((line) => line !== "")
      assert.deepStrictEqual(
        lines.map((line) => at(JSON.parse(line), "type")),
        ["BOOKMARK", "BOOKMARK", "BOOKMARK"]
      )
    })
  )

  it.effect("shows events in both shapes, and finds them by what they are about", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      yield* access.create(events, "default", {
        apiVersion: "events.k8s.io/v1",
        kind: "Event",
        metadata: { name: "e" },
        note: "started",
        reason: "Started",
        type: "Normal",
        regarding: { kind: "Machine", name: "m" },
        reportingController: "x.io/y"
      })
      const core = yield* access.get(coreEvents, "default", "e")
      assert.deepStrictEqual(
        [core["apiVersion"], core["message"], core["reportingComponent"]],
        ["v1", "started", "x.io/y"]
      )
      const about = yield* access.list(coreEvents, "default", { fieldSelector: "involvedObject.name=m" })
      assert.strictEqual(about.items.length, 1)
      const patched = yield* access.mergePatch(events, "default", "e", { series: { count: 2 } })
      assert.deepStrictEqual([patched["note"], patched["series"]], ["started", { count: 2 }])
    })
  )

  it.effect("takes a node's providerID once, and secrets in plain text", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      yield* access.create(nodes, "", { metadata: { name: "n" }, spec: {}, status: { phase: "x" } })
      yield* access.mergePatch(nodes, "", "n", { spec: { providerID: "scvmm://1" } })
      const again = access.mergePatch(nodes, "", "n", { spec: { providerID: "scvmm://2" } })
      assert.strictEqual((yield* Effect.flip(again)).status, 422)
      assert.deepStrictEqual((yield* access.get(nodes, "", "n"))["status"], { phase: "x" })
      const secrets = { group: "", version: "v1", plural: "secrets" }
      const secret = yield* access.create(secrets, "default", { metadata: { name: "s" }, stringData: { a: "b" } })
      assert.deepStrictEqual(
        [secret["data"], secret["type"], secret["stringData"]],
        [{ a: "Yg==" }, "Opaque", undefined]
      )
    })
  )

  it.effect("keeps what it has no schema for", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      const spec = { clusterName: "c", bootstrap: { dataSecretName: "s" }, deletion: { order: [1, 2] } }
      const machine = { apiVersion: "cluster.x-k8s.io/v1beta2", kind: "Machine", metadata: { name: "m" }, spec }
      assert.deepStrictEqual((yield* access.create(machines, "default", machine))["spec"], spec)
      const status = { status: { nodeRef: { name: "n" } } }
      assert.deepStrictEqual((yield* access.mergePatch(machines, "default", "m", status, "status"))["spec"], spec)
    })
  )

  it.effect("answers server-side apply with 501 and a reason", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      yield* access.create(configMaps, "default", configMap("a"))
      const target = `${Access.path(configMaps, "default", "a")}?fieldManager=x`
      const answer = yield* access.raw("PATCH", target, { "content-type": "application/apply-patch+yaml" }, "data: {}")
      assert.strictEqual(answer.status, 501)
      assert.include(answer.text, "server-side apply")
    })
  )

  it.effect("ends every watch with its scope, and forgets those who left", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make()
      const reader = yield* access
        .watch(configMaps, "")
        .pipe(Stream.runDrain, Effect.forkChild({ startImmediately: true }))
      yield* access.create(configMaps, "default", configMap("a"))
      yield* Fiber.interrupt(reader)
      yield* access.create(configMaps, "default", configMap("b"))
      assert.strictEqual((yield* access.list(configMaps, "")).items.length, 2)
    })
  )
})
