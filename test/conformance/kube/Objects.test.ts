import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, text } from "../../../src/simulators/kube/KubeJson.ts"
import { exchange, gadget, gadgets, meta, onBoth, refusal } from "./Servers.ts"

describe("objects", () => {
  onBoth("are created, read, changed and deleted", (api) =>
    Effect.gen(function* () {
      const created = yield* api.create(gadgets, api.namespace, gadget("a"))
      assert.match(text(created, "metadata", "uid"), /^[0-9a-f-]{36}$/u)
      assert.match(text(created, "metadata", "creationTimestamp"), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/u)
      assert.strictEqual(meta(created, "generation"), 1)
      const read = yield* api.get(gadgets, api.namespace, "a")
      assert.deepStrictEqual(read["spec"], created["spec"])
      yield* api.delete(gadgets, api.namespace, "a")
      assert.isUndefined(yield* api.find(gadgets, api.namespace, "a"))
    })
  )

  onBoth("cannot be created twice, in no namespace, under a bad name", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      assert.strictEqual(yield* refusal(api.create(gadgets, api.namespace, gadget("a"))), "409 AlreadyExists")
      assert.strictEqual(yield* refusal(api.create(gadgets, "no-such", gadget("a"))), "404 NotFound")
      assert.strictEqual(yield* refusal(api.create(gadgets, api.namespace, gadget("Bad_Name"))), "422 Invalid")
      const elsewhere = gadget("b", { size: "small" }, { namespace: "default" })
      assert.strictEqual(yield* refusal(api.create(gadgets, api.namespace, elsewhere)), "400 BadRequest")
      const unnamed = yield* exchange(api, "POST", path(gadgets, api.namespace), gadget(""))
      assert.deepStrictEqual([unnamed.status, unnamed.causes], [422, ["FieldValueRequired metadata.name"]])
      const other = yield* exchange(api, "POST", path(gadgets, api.namespace), { ...gadget("b"), kind: "Other" })
      assert.deepStrictEqual([other.status, other.causes], [422, ["FieldValueInvalid kind"]])
    })
  )

  onBoth("get a name from generateName, and no say in what the server writes", (api) =>
    Effect.gen(function* () {
      const { name: _, ...unnamed } = { name: "", generateName: "gen-" }
      const created = yield* api.create(gadgets, api.namespace, { ...gadget(""), metadata: unnamed })
      assert.match(text(created, "metadata", "name"), /^gen-[a-z0-9]{5}$/u)
      const forged = yield* api.create(
        gadgets,
        api.namespace,
        gadget("forged", { size: "small" }, { uid: "mine", generation: 9, creationTimestamp: "2020-01-01T00:00:00Z" })
      )
      assert.notStrictEqual(meta(forged, "uid"), "mine")
      assert.strictEqual(meta(forged, "generation"), 1)
      assert.notStrictEqual(meta(forged, "creationTimestamp"), "2020-01-01T00:00:00Z")
    })
  )

  onBoth("refuse writes to an older version", (api) =>
    Effect.gen(function* () {
      const first = yield* api.create(gadgets, api.namespace, gadget("a"))
      const old = text(first, "metadata", "resourceVersion")
      yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { count: 4 } })
      const late = { metadata: { resourceVersion: old }, spec: { count: 5 } }
      assert.strictEqual(yield* refusal(api.mergePatch(gadgets, api.namespace, "a", late)), "409 Conflict")
      assert.strictEqual(yield* refusal(api.replace(gadgets, api.namespace, first)), "409 Conflict")
      const unversioned = gadget("a", { size: "large" })
      assert.strictEqual(yield* refusal(api.replace(gadgets, api.namespace, unversioned)), "422 Invalid")
      const current = yield* api.get(gadgets, api.namespace, "a")
      const replaced = yield* api.replace(gadgets, api.namespace, { ...current, spec: { size: "large" } })
      assert.deepStrictEqual(replaced["spec"], { count: 3, size: "large" })
    })
  )

  onBoth("count changes of the desired state, and keep their version when nothing changes", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const labelled = yield* api.mergePatch(gadgets, api.namespace, "a", { metadata: { labels: { a: "b" } } })
      assert.strictEqual(meta(labelled, "generation"), 1)
      const changed = yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { count: 4 } })
      assert.strictEqual(meta(changed, "generation"), 2)
      const again = yield* api.mergePatch(gadgets, api.namespace, "a", { spec: { count: 4 } })
      assert.strictEqual(meta(again, "resourceVersion"), meta(changed, "resourceVersion"))
    })
  )

  onBoth("keep status apart from all else", (api) =>
    Effect.gen(function* () {
      const created = yield* api.create(gadgets, api.namespace, { ...gadget("a"), status: { phase: "Early" } })
      assert.isUndefined(created["status"])
      const mixed = { metadata: { labels: { a: "b" } }, spec: { size: "large" }, status: { phase: "Up" } }
      const viaStatus = yield* api.mergePatch(gadgets, api.namespace, "a", mixed, "status")
      assert.deepStrictEqual(
        [viaStatus["status"], viaStatus["spec"], meta(viaStatus, "labels"), meta(viaStatus, "generation")],
        [{ phase: "Up" }, { count: 3, size: "small" }, undefined, 1]
      )
      const viaMain = yield* api.mergePatch(gadgets, api.namespace, "a", {
        spec: { count: 5 },
        status: { phase: "No" }
      })
      assert.deepStrictEqual([viaMain["status"], at(viaMain, "spec", "count")], [{ phase: "Up" }, 5])
      const replaced = yield* api.replace(gadgets, api.namespace, { ...viaMain, status: { phase: "Put" } }, "status")
      assert.deepStrictEqual(replaced["status"], { phase: "Put" })
    })
  )

  onBoth("are only tried under dryRun", (api) =>
    Effect.gen(function* () {
      const collection = path(gadgets, api.namespace)
      const created = yield* exchange(api, "POST", `${collection}?dryRun=All`, gadget("dry"))
      assert.deepStrictEqual([created.status, at(created.object, "spec", "count")], [201, 3])
      assert.isUndefined(yield* api.find(gadgets, api.namespace, "dry"))
      yield* api.create(gadgets, api.namespace, gadget("a"))
      const patched = yield* exchange(
        api,
        "PATCH",
        `${collection}/a?dryRun=All`,
        { spec: { size: "large" } },
        "application/merge-patch+json"
      )
      assert.strictEqual(meta(patched.object, "generation"), 2)
      assert.strictEqual((yield* exchange(api, "DELETE", `${collection}/a?dryRun=All`)).status, 200)
      assert.strictEqual(at(yield* api.get(gadgets, api.namespace, "a"), "spec", "size"), "small")
      assert.strictEqual((yield* exchange(api, "POST", `${collection}?dryRun=Some`, gadget("b"))).status, 422)
    })
  )

  onBoth("go when their last finalizer goes", (api) =>
    Effect.gen(function* () {
      yield* api.create(gadgets, api.namespace, gadget("a", { size: "small" }, { finalizers: ["x.io/a", "x.io/b"] }))
      yield* api.delete(gadgets, api.namespace, "a")
      const held = yield* api.get(gadgets, api.namespace, "a")
      assert.isString(meta(held, "deletionTimestamp"))
      assert.strictEqual(meta(held, "generation"), 2)
      yield* api.delete(gadgets, api.namespace, "a")
      assert.strictEqual(
        meta(yield* api.get(gadgets, api.namespace, "a"), "resourceVersion"),
        meta(held, "resourceVersion")
      )
      const more = { metadata: { finalizers: ["x.io/a", "x.io/b", "x.io/c"] } }
      assert.strictEqual(yield* refusal(api.mergePatch(gadgets, api.namespace, "a", more)), "422 Invalid")
      assert.strictEqual(yield* refusal(api.create(gadgets, api.namespace, gadget("a"))), "409 AlreadyExists")
      const one = yield* api.mergePatch(gadgets, api.namespace, "a", { metadata: { finalizers: ["x.io/b"] } })
      assert.isString(meta(one, "deletionTimestamp"))
      const kept = yield* api.mergePatch(gadgets, api.namespace, "a", { metadata: { deletionTimestamp: null } })
      assert.isString(meta(kept, "deletionTimestamp"))
      yield* api.jsonPatch(gadgets, api.namespace, "a", [
        { op: "test", path: "/metadata/finalizers/0", value: "x.io/b" },
        { op: "remove", path: "/metadata/finalizers/0" }
      ])
      assert.isUndefined(yield* api.find(gadgets, api.namespace, "a"))
    })
  )

  onBoth("are deleted only as the one that was meant", (api) =>
    Effect.gen(function* () {
      const target = path(gadgets, api.namespace, "a")
      const created = yield* api.create(gadgets, api.namespace, gadget("a"))
      const wrongUid = yield* exchange(api, "DELETE", target, { preconditions: { uid: "other" } })
      assert.deepStrictEqual([wrongUid.status, wrongUid.object["reason"]], [409, "Conflict"])
      assert.strictEqual(
        (yield* exchange(api, "DELETE", target, { preconditions: { resourceVersion: "1" } })).status,
        409
      )
      assert.strictEqual((yield* exchange(api, "DELETE", target, { propagationPolicy: "Sideways" })).status, 422)
      const right = yield* exchange(api, "DELETE", target, { preconditions: { uid: text(created, "metadata", "uid") } })
      assert.deepStrictEqual([right.status, right.object["status"]], [200, "Success"])
      assert.strictEqual((yield* exchange(api, "DELETE", target)).status, 404)
    })
  )

  onBoth("are refused with a Status that says why", (api) =>
    Effect.gen(function* () {
      const collection = path(gadgets, api.namespace)
      const missing = yield* exchange(api, "GET", `${collection}/none`)
      assert.deepStrictEqual(missing.object, {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: 'gadgets.conformance.example.com "none" not found',
        reason: "NotFound",
        details: { name: "none", group: "conformance.example.com", kind: "gadgets" },
        code: 404
      })
      assert.strictEqual((yield* exchange(api, "POST", collection, "{")).status, 400)
      assert.strictEqual((yield* exchange(api, "POST", collection, gadget("a"), "text/plain")).status, 415)
      assert.strictEqual((yield* exchange(api, "POST", `${collection}/a/status`, gadget("a"))).status, 405)
      assert.strictEqual((yield* exchange(api, "GET", "/apis/conformance.example.com/v1/nothings")).status, 404)
    })
  )
})
