import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Handler } from "../../../../schemas/http/Exchange.ts"
import * as EmbeddedApiServer from "../../../../src/simulators/kube/EmbeddedApiServer.ts"
import { at, text, type Json, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import type { ClientConfig } from "../../../../src/simulators/kube/WebhookConnection.ts"

const configMaps = { group: "", version: "v1", plural: "configmaps" }
const crds = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }
const admission = { group: "admissionregistration.k8s.io", version: "v1" }

const service = { namespace: "system", name: "hooks", path: "/validate" }

const configuration = (kind: "Validating" | "Mutating", more: KubeJson = {}): KubeJson => ({
  apiVersion: "admissionregistration.k8s.io/v1",
  kind: `${kind}WebhookConfiguration`,
  metadata: { name: kind.toLowerCase() },
  webhooks: [
    {
      name: "hooks.example.com",
      clientConfig: { service },
      sideEffects: "None",
      admissionReviewVersions: ["v1"],
      rules: [{ apiGroups: ["*"], apiVersions: ["v1"], operations: ["*"], resources: ["configmaps", "things"] }],
      ...more
    }
  ]
})

/** A webhook server in this process: answers a request with what is to be in the response beside its uid. */
const answering =
  (react: (request: Json) => Effect.Effect<KubeJson>): Handler =>
  ({ body }) => {
    // An AdmissionReview of the embedded server.
    const review = JSON.parse(new TextDecoder().decode(body)) as Json
    const request = at(review, "request") ?? null
    return Effect.map(react(request), (response) => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: new TextEncoder().encode(
        JSON.stringify({
          apiVersion: "admission.k8s.io/v1",
          kind: "AdmissionReview",
          response: { uid: text(request, "uid"), ...response }
        })
      )
    }))
  }

const patching = (operations: ReadonlyArray<KubeJson>): KubeJson => ({
  allowed: true,
  patchType: "JSONPatch",
  patch: Buffer.from(JSON.stringify(operations)).toString("base64")
})

describe("admission webhooks of the embedded server", () => {
  it.effect("are reached in this process, by their service", () =>
    Effect.gen(function* () {
      const asked: Array<ClientConfig> = []
      const { access, audit } = yield* EmbeddedApiServer.make({
        webhooks: (client) => {
          asked.push(client)
          return answering(() => Effect.succeed({ allowed: false, status: { message: "no" } }))
        }
      })
      yield* access.create({ ...admission, plural: "validatingwebhookconfigurations" }, "", configuration("Validating"))
      const refused = yield* Effect.flip(access.create(configMaps, "default", { metadata: { name: "a" } }))
      assert.strictEqual(refused.detail, 'admission webhook "hooks.example.com" denied the request: no')
      assert.deepStrictEqual(asked, [
        {
          url: "https://hooks.system.svc:443/validate",
          service: { namespace: "system", name: "hooks", port: 443 },
          ca: ""
        }
      ])
      assert.strictEqual(audit.recent().at(-1)?.code, 400)
    })
  )

  it.effect("have their time, and no more", () =>
    Effect.gen(function* () {
      const { access } = yield* EmbeddedApiServer.make({
        webhooks: () => answering(() => Effect.as(Effect.sleep("7 seconds"), { allowed: true }))
      })
      const resource = { ...admission, plural: "validatingwebhookconfigurations" }
      yield* access.create(resource, "", configuration("Validating"))
      const slow = yield* Effect.forkChild(access.create(configMaps, "default", { metadata: { name: "a" } }))
      yield* TestClock.adjust("6 seconds")
      assert.isUndefined(slow.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(slow)
      yield* access.jsonPatch(resource, "", "validating", [
        { op: "replace", path: "/webhooks/0/timeoutSeconds", value: 5 }
      ])
      const late = yield* Effect.forkChild(
        Effect.flip(access.create(configMaps, "default", { metadata: { name: "b" } }))
      )
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(
        (yield* Fiber.join(late)).detail,
        'Internal error occurred: failed calling webhook "hooks.example.com": failed to call webhook: Post "https://hooks.system.svc:443/validate?timeout=5s": context deadline exceeded'
      )
    })
  )

  it.effect("see the write again when another came between", () =>
    Effect.gen(function* () {
      const seen: Array<Json> = []
      let between: Effect.Effect<unknown, unknown> = Effect.void
      const { access } = yield* EmbeddedApiServer.make({
        webhooks: () =>
          answering((request) =>
            Effect.gen(function* () {
              seen.push(at(request, "object", "data") ?? null)
              const once = between
              between = Effect.void
              yield* Effect.orDie(once)
              return { allowed: true }
            })
          )
      })
      yield* access.create(configMaps, "default", { metadata: { name: "a" }, data: { a: "1" } })
      yield* access.create({ ...admission, plural: "validatingwebhookconfigurations" }, "", configuration("Validating"))
      between = access.mergePatch(configMaps, "default", "a", { data: { b: "2" } })
      const patched = yield* access.mergePatch(configMaps, "default", "a", { data: { c: "3" } })
      assert.deepStrictEqual(patched["data"], { a: "1", b: "2", c: "3" })
      assert.deepStrictEqual(seen, [
        { a: "1", c: "3" },
        { a: "1", b: "2" },
        { a: "1", b: "2", c: "3" }
      ])
      // A write to one version is refused instead.
      between = access.mergePatch(configMaps, "default", "a", { data: { b: "4" } })
      const late = access.replace(configMaps, "default", patched)
      assert.strictEqual((yield* Effect.flip(late)).reason, "Conflict")
    })
  )

  it.effect("see an object in the version that they ask for", () =>
    Effect.gen(function* () {
      const version = (name: string, storage: boolean) => ({
        name,
        served: true,
        storage,
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
      })
      const seen: Array<Json> = []
      const { access } = yield* EmbeddedApiServer.make({
        webhooks: () =>
          answering((request) => {
            seen.push([
              at(request, "object", "apiVersion"),
              at(request, "kind", "version"),
              at(request, "requestKind", "version")
            ] as Json)
            return Effect.succeed(patching([{ op: "add", path: "/hooked", value: true }]))
          })
      })
      yield* access.create(crds, "", {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata: { name: "things.x.io" },
        spec: {
          group: "x.io",
          scope: "Namespaced",
          names: { plural: "things", kind: "Thing" },
          versions: [version("v1", true), version("v2", false)]
        }
      })
      const resource = { ...admission, plural: "mutatingwebhookconfigurations" }
      yield* access.create(resource, "", configuration("Mutating"))
      const thing = (name: string) => ({ apiVersion: "x.io/v2", kind: "Thing", metadata: { name } })
      const things = { group: "x.io", version: "v2", plural: "things" }
      const created = yield* access.create(things, "default", thing("a"))
      assert.deepStrictEqual([created["apiVersion"], created["hooked"]], ["x.io/v2", true])
      assert.deepStrictEqual(seen, [["x.io/v1", "v1", "v2"]])
      yield* access.jsonPatch(resource, "", "mutating", [
        { op: "replace", path: "/webhooks/0/matchPolicy", value: "Exact" }
      ])
      assert.isUndefined((yield* access.create(things, "default", thing("b")))["hooked"])
    })
  )
})
