import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { at, objects, strings, text, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { compared, exchange, group, onBoth, type Api } from "./Servers.ts"

const all = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

const read = (api: Api, target: string, accept = "application/json") =>
  Effect.map(api.raw("GET", target, { accept }), (answer) => ({
    status: answer.status,
    type: answer.headers["content-type"],
    body: (answer.text.startsWith("{") ? JSON.parse(answer.text) : {}) as KubeJson
  }))

const byName = (list: ReadonlyArray<KubeJson>, field: string): ReadonlyMap<string, KubeJson> =>
  new Map(list.map((each) => [text(each, field), each]))

const resources = (document: KubeJson) => byName(objects(document, "resources"), "name")

const without = (object: KubeJson | undefined, field: string): Json =>
  object === undefined ? null : Object.fromEntries(Object.entries(object).filter(([name]) => name !== field))

describe("discovery", () => {
  onBoth("tells group, version and resources of a CRD", (api) =>
    Effect.gen(function* () {
      const groups = yield* read(api, "/apis")
      const listed = byName(objects(groups.body, "groups"), "name").get(group)
      const version = { groupVersion: `${group}/v1`, version: "v1" }
      assert.deepStrictEqual(listed, { name: group, versions: [version], preferredVersion: version })
      const alone = yield* read(api, `/apis/${group}`)
      assert.deepStrictEqual(alone.body, { kind: "APIGroup", apiVersion: "v1", ...listed })
      const { body } = yield* read(api, `/apis/${group}/v1`)
      assert.deepStrictEqual(without(body, "resources"), {
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: `${group}/v1`
      })
      const common = { singularName: "", namespaced: true, kind: "Gadget" }
      assert.deepStrictEqual(
        objects(body, "resources").map((each) => without(each, "storageVersionHash")),
        [
          {
            ...common,
            name: "gadgets",
            singularName: "gadget",
            verbs: ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
            shortNames: ["gd"],
            categories: ["conformance"]
          },
          { ...common, name: "gadgets/status", verbs: ["get", "patch", "update"] }
        ]
      )
    })
  )

  compared("tells of every kind what the real server tells", (embedded, real) =>
    Effect.gen(function* () {
      const places = [
        "/api/v1",
        "/apis/events.k8s.io/v1",
        "/apis/coordination.k8s.io/v1",
        "/apis/apiextensions.k8s.io/v1",
        "/apis/infrastructure.cluster.x-k8s.io/v1alpha1"
      ]
      for (const place of places) {
        const ours = yield* read(embedded, place)
        const theirs = yield* read(real, place)
        assert.deepStrictEqual(without(ours.body, "resources"), without(theirs.body, "resources"), place)
        const known = resources(theirs.body)
        assert.isAbove(resources(ours.body).size, 0)
        for (const [name, resource] of resources(ours.body)) {
          assert.deepStrictEqual(resource, without(known.get(name), "storageVersionHash"), `${place} ${name}`)
        }
      }
    })
  )

  compared("tells it all at once to those who ask", (embedded, real) =>
    Effect.gen(function* () {
      for (const root of ["/api", "/apis"]) {
        const [ours, theirs] = [
          yield* read(embedded, root, `${all},application/json`),
          yield* read(real, root, `${all},application/json`)
        ]
        assert.deepStrictEqual([ours.status, ours.type], [theirs.status, theirs.type])
        assert.deepStrictEqual(without(ours.body, "items"), without(theirs.body, "items"))
        const versions = (body: KubeJson) =>
          new Map(
            objects(body, "items").flatMap((item) =>
              objects(item, "versions").flatMap((version) =>
                objects(version, "resources").map(
                  (resource) =>
                    [
                      [text(item, "metadata", "name"), text(version, "version"), text(resource, "resource")].join("/"),
                      { ...resource, freshness: text(version, "freshness") }
                    ] as const
                )
              )
            )
          )
        const known = versions(theirs.body)
        const served = [...versions(ours.body)].filter(([name]) => known.has(name))
        assert.isAbove(served.length, 4)
        for (const [name, resource] of served) {
          const subresources = objects(resource, "subresources").map((each) => text(each, "subresource"))
          const expected = known.get(name)
          // Most of what Pods and Nodes can do beyond being stored is not done here.
          const theirSubresources = objects(expected, "subresources").filter((each) =>
            subresources.includes(text(each, "subresource"))
          )
          assert.deepStrictEqual(
            { ...resource, subresources: objects(resource, "subresources") },
            { ...expected, subresources: theirSubresources },
            name
          )
        }
      }
    })
  )

  onBoth("tells the version", (api) =>
    Effect.gen(function* () {
      const { body } = yield* read(api, "/version")
      assert.deepStrictEqual([body["major"], body["minor"]], ["1", "36"])
      assert.match(text(body, "gitVersion"), /^v1\.36\./u)
      assert.deepStrictEqual(Object.keys(body).length, 13)
      assert.deepStrictEqual(strings(yield* read(api, "/api").pipe(Effect.map(({ body }) => body)), "versions"), ["v1"])
    })
  )

  onBoth("refuses what it cannot answer", (api) =>
    Effect.gen(function* () {
      const codes: ReadonlyArray<readonly [method: string, target: string, accept: string, status: number]> = [
        ["GET", "/apis/nope.example.com", "application/json", 404],
        ["GET", `/apis/${group}/v9`, "application/json", 404],
        ["GET", "/api/v9", "application/json", 404],
        ["GET", "/nothing", "application/json", 404],
        ["GET", "/apis", "text/html", 406],
        ["GET", `/apis/${group}/v1`, "text/html", 406],
        ["GET", "/apis", all.replace("v=v2", "v=v9"), 406],
        ["GET", `/apis/${group}`, all, 406],
        ["POST", "/version", "application/json", 405],
        ["HEAD", "/apis", "application/json", 200],
        ["HEAD", "/version", "application/json", 405],
        ["GET", "/healthz", "application/json", 200]
      ]
      for (const [method, target, accept, status] of codes) {
        const answer = yield* api.raw(method, target, { accept })
        assert.strictEqual(answer.status, status, `${method} ${target}`)
      }
      const missing = yield* api.raw("GET", "/apis/nope.example.com")
      assert.deepStrictEqual(
        [missing.text, missing.headers["content-type"]],
        ["404 page not found\n", "text/plain; charset=utf-8"]
      )
      const refused = yield* exchange(api, "POST", "/version", "{}")
      assert.deepStrictEqual([refused.object["reason"], at(refused.object, "details")], ["MethodNotAllowed", {}])
    })
  )
})
