/** Reads without a request answer what a request would. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Access, ResourceName } from "../../../../src/simulators/kube/Access.ts"
import * as EmbeddedApiServer from "../../../../src/simulators/kube/EmbeddedApiServer.ts"

const configMaps = { group: "", version: "v1", plural: "configmaps" }
const namespaces = { group: "", version: "v1", plural: "namespaces" }

/** What is read, or refused, of one resource. */
const readings = (access: Access, resource: ResourceName, namespace: string, name: string) =>
  Effect.all([
    Effect.result(access.get(resource, namespace, name)),
    Effect.result(access.find(resource, namespace, name)),
    Effect.result(access.list(resource, namespace)),
    Effect.result(access.list(resource, namespace, { labelSelector: "app=a" })),
    Effect.result(access.list(resource, namespace, { fieldSelector: "metadata.name=b" })),
    Effect.result(access.list(resource, namespace, { labelSelector: "!" })),
    Effect.result(access.list(resource, namespace, { fieldSelector: "spec.nonsense=1" }))
  ])

describe("DirectAccess", () => {
  const cases: ReadonlyArray<readonly [title: string, ResourceName, namespace: string, name: string]> = [
    ["an object", configMaps, "default", "a"],
    ["an object that is not there", configMaps, "default", "missing"],
    ["all namespaces", configMaps, "", "a"],
    ["a kind without namespaces", namespaces, "", "default"],
    ["a namespace of a kind that has none", namespaces, "default", "default"],
    ["events in both shapes", { group: "events.k8s.io", version: "v1", plural: "events" }, "default", "e"],
    ["a kind that nobody serves", { group: "x.io", version: "v1", plural: "things" }, "default", "a"],
    [
      "a kind that is only asked",
      { group: "authorization.k8s.io", version: "v1", plural: "selfsubjectaccessreviews" },
      "",
      "a"
    ]
  ]
  for (const [title, resource, namespace, name] of cases) {
    it.effect(`answers as a request: ${title}`, () =>
      Effect.gen(function* () {
        const { access, inside } = yield* EmbeddedApiServer.make()
        for (const each of ["a", "b"]) {
          const metadata = { name: each, labels: { app: each } }
          yield* access.create(configMaps, "default", { metadata, data: { each } })
        }
        yield* inside.create({ group: "", version: "v1", plural: "events" }, "default", {
          metadata: { name: "e" },
          involvedObject: { namespace: "default" },
          message: "m"
        })
        assert.deepStrictEqual(
          yield* readings(inside, resource, namespace, name),
          yield* readings(access, resource, namespace, name)
        )
      })
    )
  }
})
