import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { at, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
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

  onBoth("go with all that a selector finds", (api) =>
    Effect.gen(function* () {
      const make = (name: string, tier: string, finalizers: ReadonlyArray<string> = []) =>
        api.create(
          gadgets,
          api.namespace,
          gadget(name, { size: "small" }, { labels: { tier }, finalizers: [...finalizers] })
        )
      yield* make("a", "web")
      yield* make("b", "web", ["x.io/a"])
      yield* make("c", "db")
      const collection = path(gadgets, api.namespace)
      const tried = yield* exchange(api, "DELETE", `${collection}?labelSelector=tier%3Dweb&dryRun=All`)
      assert.strictEqual(tried.status, 200)
      assert.strictEqual((yield* api.list(gadgets, api.namespace)).items.length, 3)
      const answer = yield* exchange(api, "DELETE", `${collection}?labelSelector=tier%3Dweb`, {
        propagationPolicy: "Background"
      })
      assert.deepStrictEqual([answer.status, answer.object["kind"]], [200, "GadgetList"])
      const left = (yield* api.list(gadgets, api.namespace)).items
      assert.deepStrictEqual(
        left.map((object) => [meta(object, "name"), meta(object, "deletionTimestamp") !== undefined]),
        [
          ["b", true],
          ["c", false]
        ]
      )
      assert.strictEqual((yield* exchange(api, "DELETE", `${collection}?fieldSelector=metadata.name%3Dc`)).status, 200)
      assert.isUndefined(yield* api.find(gadgets, api.namespace, "c"))
      yield* api.mergePatch(gadgets, api.namespace, "b", { metadata: { finalizers: null } })
    })
  )

  onBoth("are told by a deletion what holds them", (api) =>
    Effect.gen(function* () {
      const finalizersOf = (name: string, options: KubeJson, query = "") =>
        Effect.gen(function* () {
          yield* api.create(gadgets, api.namespace, gadget(name, { size: "small" }, { finalizers: ["x.io/a"] }))
          const answer = yield* exchange(api, "DELETE", `${path(gadgets, api.namespace, name)}${query}`, options)
          yield* api.mergePatch(gadgets, api.namespace, name, { metadata: { finalizers: null } })
          return [answer.status, meta(answer.object, "finalizers"), meta(answer.object, "deletionGracePeriodSeconds")]
        })
      assert.deepStrictEqual(yield* finalizersOf("a", { propagationPolicy: "Background" }), [200, ["x.io/a"], 0])
      assert.deepStrictEqual(yield* finalizersOf("b", { propagationPolicy: "Foreground" }), [
        200,
        ["x.io/a", "foregroundDeletion"],
        0
      ])
      assert.deepStrictEqual(yield* finalizersOf("c", { propagationPolicy: "Orphan" }), [200, ["x.io/a", "orphan"], 0])
      assert.deepStrictEqual(yield* finalizersOf("d", { gracePeriodSeconds: 30 }), [200, ["x.io/a"], 0])
      assert.deepStrictEqual(yield* finalizersOf("e", { orphanDependents: true }), [200, ["x.io/a", "orphan"], 0])
      const both = { orphanDependents: true, propagationPolicy: "Orphan" }
      yield* api.create(gadgets, api.namespace, gadget("f"))
      const target = path(gadgets, api.namespace, "f")
      assert.strictEqual((yield* exchange(api, "DELETE", target, both)).status, 422)
      assert.strictEqual((yield* exchange(api, "DELETE", target, { dryRun: ["All"] })).status, 200)
      assert.strictEqual((yield* exchange(api, "DELETE", `${target}?dryRun=Some`)).status, 422)
      assert.isDefined(yield* api.find(gadgets, api.namespace, "f"))
      assert.strictEqual((yield* exchange(api, "DELETE", `${target}?propagationPolicy=Background`)).status, 200)
      assert.isUndefined(yield* api.find(gadgets, api.namespace, "f"))
    })
  )

  onBoth("keep what the server alone writes", (api) =>
    Effect.gen(function* () {
      const created = yield* api.create(
        gadgets,
        api.namespace,
        gadget("a", { size: "small" }, { finalizers: ["x.io/a"] })
      )
      const merged = (body: KubeJson, subresource = "") =>
        exchange(api, "PATCH", path(gadgets, api.namespace, "a", subresource), body, "application/merge-patch+json")
      const early = yield* merged({ metadata: { deletionTimestamp: "2020-01-01T00:00:00Z", generation: 9 } })
      assert.deepStrictEqual([early.status, early.causes], [422, ["FieldValueInvalid metadata.deletionTimestamp"]])
      const counted = yield* merged({ metadata: { generation: 9, creationTimestamp: "2020-01-01T00:00:00Z" } })
      assert.deepStrictEqual(
        [counted.status, meta(counted.object, "generation"), meta(counted.object, "creationTimestamp")],
        [200, 1, meta(created, "creationTimestamp")]
      )
      yield* api.delete(gadgets, api.namespace, "a")
      const deleting = yield* api.get(gadgets, api.namespace, "a")
      const moved = yield* merged({ metadata: { deletionTimestamp: "2020-01-01T00:00:00Z" } })
      assert.deepStrictEqual(
        [moved.status, meta(moved.object, "deletionTimestamp")],
        [200, meta(deleting, "deletionTimestamp")]
      )
      const longer = yield* merged({ metadata: { deletionGracePeriodSeconds: 9 } })
      assert.deepStrictEqual(
        [longer.status, longer.causes],
        [422, ["FieldValueInvalid metadata.deletionGracePeriodSeconds"]]
      )
      const changed = yield* merged({ spec: { size: "large" } })
      assert.deepStrictEqual(
        [changed.status, meta(changed.object, "generation"), meta(changed.object, "deletionTimestamp")],
        [200, 3, meta(deleting, "deletionTimestamp")]
      )
      const viaStatus = yield* merged(
        { metadata: { finalizers: null, labels: { a: "b" } }, status: { phase: "Up" } },
        "status"
      )
      assert.deepStrictEqual(
        [viaStatus.status, meta(viaStatus.object, "finalizers"), meta(viaStatus.object, "labels")],
        [200, ["x.io/a"], undefined]
      )
      const stale = yield* merged({ metadata: { resourceVersion: "1" }, status: { phase: "No" } }, "status")
      assert.strictEqual(stale.status, 409)
      yield* merged({ metadata: { finalizers: null } })
      assert.strictEqual((yield* merged({ status: { phase: "No" } }, "status")).status, 404)
    })
  )

  onBoth("are changed only as the one that was meant", (api) =>
    Effect.gen(function* () {
      const created = yield* api.create(gadgets, api.namespace, gadget("a"))
      const put = (metadata: KubeJson, query = "") =>
        exchange(api, "PUT", `${path(gadgets, api.namespace, "a")}${query}`, {
          ...created,
          metadata: { ...(created["metadata"] as KubeJson), ...metadata }
        })
      const other = yield* put({ uid: "00000000-0000-4000-8000-000000000000" })
      assert.deepStrictEqual([other.status, text(other.object, "reason")], [409, "Conflict"])
      assert.strictEqual((yield* put({ name: "b" })).status, 400)
      assert.strictEqual((yield* put({ resourceVersion: "0" })).status, 422)
      assert.strictEqual((yield* put({ resourceVersion: "abc" })).status, 500)
      const tried = yield* put({ labels: { a: "b" } }, "?dryRun=All")
      assert.deepStrictEqual(
        [tried.status, meta(tried.object, "labels"), meta(tried.object, "resourceVersion")],
        [200, { a: "b" }, meta(created, "resourceVersion")]
      )
      const status = yield* exchange(
        api,
        "PATCH",
        `${path(gadgets, api.namespace, "a", "status")}?dryRun=All`,
        { status: { phase: "Up" } },
        "application/merge-patch+json"
      )
      assert.deepStrictEqual([status.status, status.object["status"]], [200, { phase: "Up" }])
      assert.deepStrictEqual(yield* api.get(gadgets, api.namespace, "a"), created)
    })
  )
})
