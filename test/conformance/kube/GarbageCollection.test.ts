import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { path } from "../../../src/simulators/kube/Access.ts"
import { objects, strings, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import {
  configMap,
  configMaps,
  eventually,
  exchange,
  meta,
  namespaces,
  onBoth,
  ownedBy,
  refusal,
  type Api
} from "./Servers.ts"

const isGone = (found: unknown) => found === undefined

const make = (api: Api, name: string, more = {}) =>
  Effect.map(api.create(configMaps, api.namespace, configMap(name, more)), (created) => ({
    ...created,
    apiVersion: "v1",
    kind: "ConfigMap"
  }))

const find = (api: Api, name: string) => api.find(configMaps, api.namespace, name)

describe("garbage collection", () => {
  onBoth("deletes what was owned", (api) =>
    Effect.gen(function* () {
      const owner = yield* make(api, "owner")
      yield* make(api, "child", { ownerReferences: [ownedBy(owner)] })
      yield* api.delete(configMaps, api.namespace, "owner")
      yield* eventually(find(api, "child"), isGone)
    })
  )

  onBoth("keeps what another owner has, without the dead reference", (api) =>
    Effect.gen(function* () {
      const [one, two] = [yield* make(api, "one"), yield* make(api, "two")]
      yield* make(api, "child", { ownerReferences: [ownedBy(one), ownedBy(two)] })
      yield* api.delete(configMaps, api.namespace, "one")
      const child = yield* eventually(
        find(api, "child"),
        (found) => objects(found, "metadata", "ownerReferences").length === 1
      )
      assert.deepStrictEqual(meta(child, "ownerReferences"), [ownedBy(two)])
      yield* api.delete(configMaps, api.namespace, "two")
      yield* eventually(find(api, "child"), isGone)
    })
  )

  onBoth("knows an owner by its uid", (api) =>
    Effect.gen(function* () {
      const owner = yield* make(api, "owner")
      yield* make(api, "stranger", {
        ownerReferences: [ownedBy(owner, { uid: "00000000-0000-4000-8000-000000000000" })]
      })
      yield* eventually(find(api, "stranger"), isGone)
      assert.isDefined(yield* find(api, "owner"))
    })
  )

  onBoth("orphans when asked to", (api) =>
    Effect.gen(function* () {
      const owner = yield* make(api, "owner")
      yield* make(api, "child", { ownerReferences: [ownedBy(owner)] })
      yield* api.delete(configMaps, api.namespace, "owner", { propagationPolicy: "Orphan" })
      yield* eventually(find(api, "owner"), isGone)
      const child = yield* find(api, "child")
      assert.isDefined(child)
      assert.isUndefined(meta(child, "ownerReferences"))
    })
  )

  onBoth("waits for blocking dependents in the foreground", (api) =>
    Effect.gen(function* () {
      const owner = yield* make(api, "owner")
      yield* make(api, "child", {
        ownerReferences: [ownedBy(owner, { blockOwnerDeletion: true })],
        finalizers: ["x.io/a"]
      })
      yield* api.delete(configMaps, api.namespace, "owner", { propagationPolicy: "Foreground" })
      yield* eventually(find(api, "child"), (found) => meta(found, "deletionTimestamp") !== undefined)
      assert.deepStrictEqual(meta(yield* find(api, "owner"), "finalizers"), ["foregroundDeletion"])
      yield* api.mergePatch(configMaps, api.namespace, "child", { metadata: { finalizers: null } })
      yield* eventually(find(api, "owner"), isGone)
    })
  )
})

describe("namespaces", () => {
  onBoth("take their contents with them, once nothing holds those", (api) =>
    Effect.gen(function* () {
      yield* make(api, "free")
      yield* make(api, "held", { finalizers: ["x.io/a"] })
      yield* api.delete(namespaces, "", api.namespace)
      const refused = api.create(configMaps, api.namespace, configMap("late"))
      assert.strictEqual(yield* refusal(refused), "403 Forbidden")
      yield* eventually(find(api, "free"), isGone)
      yield* eventually(find(api, "held"), (found) => meta(found, "deletionTimestamp") !== undefined)
      const waiting = yield* api.get(namespaces, "", api.namespace)
      assert.strictEqual(meta(waiting, "name"), api.namespace)
      yield* api.mergePatch(configMaps, api.namespace, "held", { metadata: { finalizers: null } })
      yield* eventually(api.find(namespaces, "", api.namespace), isGone)
    })
  )

  onBoth("wait for their own finalizers, too, and are deleted once", (api) =>
    Effect.gen(function* () {
      const target = path(namespaces, "", api.namespace)
      yield* api.mergePatch(namespaces, "", api.namespace, { metadata: { finalizers: ["x.io/ns"] } })
      yield* make(api, "held", { finalizers: ["x.io/a"] })
      const shown = ({ status, object }: { readonly status: number; readonly object: KubeJson }) => [
        status,
        text(object, "status", "phase"),
        strings(object, "spec", "finalizers"),
        strings(object, "metadata", "finalizers"),
        meta(object, "deletionGracePeriodSeconds")
      ]
      const terminating = [200, "Terminating", ["kubernetes"], ["x.io/ns"], undefined]
      assert.deepStrictEqual(shown(yield* exchange(api, "DELETE", `${target}?dryRun=All`)), terminating)
      assert.strictEqual(text(yield* api.get(namespaces, "", api.namespace), "status", "phase"), "Active")
      assert.deepStrictEqual(shown(yield* exchange(api, "DELETE", target)), terminating)
      assert.deepStrictEqual(shown(yield* exchange(api, "DELETE", target)), terminating)
      const late = yield* exchange(api, "POST", path(configMaps, api.namespace), {
        metadata: { generateName: "late-" }
      })
      assert.strictEqual(
        late.message,
        `configmaps "late-" is forbidden: unable to create new content in namespace ${api.namespace} because it is being terminated`
      )
      yield* api.mergePatch(configMaps, api.namespace, "held", { metadata: { finalizers: null } })
      const empty = yield* eventually(
        api.find(namespaces, "", api.namespace),
        (found) => found === undefined || strings(found, "spec", "finalizers").length === 0
      )
      assert.deepStrictEqual(meta(empty, "finalizers"), ["x.io/ns"])
      yield* api.mergePatch(namespaces, "", api.namespace, { metadata: { finalizers: null } })
      yield* eventually(api.find(namespaces, "", api.namespace), isGone)
    })
  )

  onBoth("that the system needs cannot be deleted", (api) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* exchange(api, "DELETE", path(namespaces, "", "kube-system"))).status, 403)
    })
  )
})
