import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { path } from "../../../src/simulators/kube/Access.ts"
import { objects, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { eventually, exchange, meta, onBoth, refusal, type Api } from "./Servers.ts"

const crds = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }

const finalizer = "customresourcecleanup.apiextensions.k8s.io"

/** A kind of the test's own. */
const define = (api: Api) =>
  Effect.gen(function* () {
    const group = `${api.namespace}.example.com`
    const things = { group, version: "v1", plural: "things" }
    const name = `things.${group}`
    yield* api.create(crds, "", {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name },
      spec: {
        group,
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
    })
    yield* api.list(things, api.namespace).pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 }))
    const thing = (name: string, more: KubeJson = {}): KubeJson => ({
      apiVersion: `${group}/v1`,
      kind: "Thing",
      metadata: { name, ...more }
    })
    return { things, name, thing }
  })

const terminating = (crd: KubeJson | undefined): string =>
  text(
    objects(crd, "status", "conditions").find((condition) => condition["type"] === "Terminating"),
    "reason"
  )

describe("the deletion of a CRD", () => {
  onBoth("goes at once when nothing is stored", (api) =>
    Effect.gen(function* () {
      const { name } = yield* define(api)
      const answer = yield* exchange(api, "DELETE", path(crds, "", name))
      assert.deepStrictEqual(
        [
          answer.status,
          meta(answer.object, "finalizers"),
          meta(answer.object, "generation"),
          terminating(answer.object)
        ],
        [200, [finalizer], 1, "InstanceDeletionPending"]
      )
      assert.isString(meta(answer.object, "deletionTimestamp"))
      yield* eventually(api.find(crds, "", name), (found) => found === undefined)
    })
  )

  onBoth("takes its objects with it, once nothing holds those", (api) =>
    Effect.gen(function* () {
      const { things, name, thing } = yield* define(api)
      yield* api.create(things, api.namespace, thing("free"))
      yield* api.create(things, api.namespace, thing("held", { finalizers: ["x.io/a"] }))
      yield* api.delete(crds, "", name)
      yield* eventually(api.find(things, api.namespace, "free"), (found) => found === undefined)
      const held = yield* api.get(things, api.namespace, "held")
      assert.isString(meta(held, "deletionTimestamp"))
      const waiting = yield* eventually(
        api.find(crds, "", name),
        (found) => terminating(found) === "InstanceDeletionInProgress"
      )
      assert.deepStrictEqual(meta(waiting, "finalizers"), [finalizer])
      const late = yield* exchange(api, "POST", path(things, api.namespace), thing("late"))
      assert.deepStrictEqual(
        [late.status, late.message],
        [403, `${name} "late" is forbidden: create not allowed while custom resource definition is terminating`]
      )
      // Those that are there can still be changed.
      yield* api.mergePatch(things, api.namespace, "held", { metadata: { labels: { a: "b" } } })
      yield* api.mergePatch(things, api.namespace, "held", { metadata: { finalizers: null } })
      yield* eventually(api.find(crds, "", name), (found) => found === undefined)
      yield* eventually(
        Effect.orElseSucceed(refusal(api.list(things, api.namespace)), () => "served"),
        (answer) => answer.startsWith("404")
      )
    })
  )

  onBoth("waits for finalizers of the CRD itself", (api) =>
    Effect.gen(function* () {
      const { things, name, thing } = yield* define(api)
      yield* api.mergePatch(crds, "", name, { metadata: { finalizers: ["x.io/a"] } })
      yield* api.create(things, api.namespace, thing("free"))
      yield* api.delete(crds, "", name)
      yield* eventually(api.find(crds, "", name), (found) => {
        const held = meta(found, "finalizers")
        return Array.isArray(held) && held.length === 1 && held[0] === "x.io/a"
      })
      yield* api.mergePatch(crds, "", name, { metadata: { finalizers: null } })
      yield* eventually(api.find(crds, "", name), (found) => found === undefined)
    })
  )
})
