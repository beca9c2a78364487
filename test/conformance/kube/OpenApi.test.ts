import { assert, describe, expect } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as BuiltinKinds from "../../../src/simulators/kube/BuiltinKinds.ts"
import { apiVersion } from "../../../src/simulators/kube/Kind.ts"
import {
  at,
  isArray,
  isObject,
  objects,
  text,
  type Json,
  type KubeJson
} from "../../../src/simulators/kube/KubeJson.ts"
import { compared, eventually, exchange, group, onBoth, type Api } from "./Servers.ts"

/** The real server publishes a new CRD's document a while after it serves the CRD. */
const document = (api: Api, place: string) =>
  Effect.map(
    eventually(exchange(api, "GET", `/openapi/v3/${place}`), (found) => found.status === 200),
    (found) => found.object
  )

const schemas = (found: KubeJson): KubeJson => {
  const all = at(found, "components", "schemas")
  return isObject(all) ? all : {}
}

/** Parameters are not described here, and the list of kinds that DeleteOptions may come as is the whole real server's. */
const bare = (value: Json): Json => {
  if (isArray(value)) return value.map(bare)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([field]) => !(field === "description" && value["in"] !== undefined))
      .map(([field, held]) => [field, bare(held)])
  )
}

const deleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"

const comparable = (found: KubeJson): Json => {
  const { [deleteOptions]: _, ...rest } = schemas(found)
  return bare({ paths: found["paths"] ?? null, schemas: rest })
}

const builtinPlaces = [
  ...new Set(
    BuiltinKinds.all
      .filter((kind) => !kind.custom)
      .map((kind) => `${kind.group === "" ? "api" : "apis"}/${apiVersion(kind)}`)
  )
]

const reference = "#/components/schemas/"

const referred = (schema: Json | undefined): ReadonlyArray<string> => {
  if (isArray(schema)) return schema.flatMap(referred)
  if (!isObject(schema)) return []
  const name = text(schema, "$ref")
  return name === "" ? Object.values(schema).flatMap(referred) : [name.slice(reference.length)]
}

/** Nobody explains Pods to an infrastructure provider, and these two are larger than all the rest together. */
const opaque = ["io.k8s.api.core.v1.PodSpec", "io.k8s.api.core.v1.PodStatus"]

/** The schemas of the server's own kinds, as the real server publishes them. */
const builtinSchemas = Effect.fnUntraced(function* (real: Api) {
  const published: KubeJson = Object.assign(
    {},
    ...(yield* Effect.forEach(builtinPlaces, (place) => Effect.map(document(real, place), schemas)))
  )
  const found: Record<string, Json> = {}
  const add = (name: string) => {
    const schema = published[name]
    if (!isObject(schema) || Object.hasOwn(found, name)) return
    if (opaque.includes(name)) {
      found[name] = {
        description: text(schema, "description"),
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true
      }
      return
    }
    found[name] = name === deleteOptions ? { ...schema, "x-kubernetes-group-version-kind": [] } : schema
    referred(schema).forEach(add)
  }
  for (const kind of BuiltinKinds.all) {
    const name = Object.keys(published).find((candidate) =>
      objects(published[candidate], "x-kubernetes-group-version-kind").some(
        (each) =>
          text(each, "group") === kind.group &&
          text(each, "version") === kind.version &&
          text(each, "kind") === kind.kind
      )
    )
    if (kind.custom || name === undefined) continue
    add(name)
    add(`${name}List`)
  }
  for (const name of [
    deleteOptions,
    ...["Status", "Patch"].map((name) => deleteOptions.replace("DeleteOptions", name))
  ])
    add(name)
  return Object.fromEntries(Object.entries(found).toSorted(([a], [b]) => (a < b ? -1 : 1)))
})

describe("OpenAPI documents", () => {
  for (const place of [`apis/${group}/v1`, "apis/infrastructure.cluster.x-k8s.io/v1alpha1"]) {
    compared(`of ${place} are the real server's`, (embedded, real) =>
      Effect.gen(function* () {
        const found = yield* document(embedded, place)
        assert.isAbove(Object.keys(schemas(found)).length, 10)
        assert.deepStrictEqual(comparable(found), comparable(yield* document(real, place)))
      })
    )
  }

  compared("hold the real server's schemas of its own kinds (vitest -u rewrites them)", (embedded, real) =>
    Effect.gen(function* () {
      const all = yield* builtinSchemas(real)
      const file = path.resolve(import.meta.dirname, "../../../src/simulators/kube/BuiltinSchemas.json")
      yield* Effect.promise(() => expect(`${JSON.stringify(all, null, 2)}\n`).toMatchFileSnapshot(file))
      for (const place of builtinPlaces) {
        const published = schemas(yield* document(embedded, place))
        assert.deepStrictEqual(
          published,
          Object.fromEntries(Object.keys(published).map((name) => [name, all[name]])),
          place
        )
      }
    })
  )

  compared("offer validation by the server for its own kinds, where the real one does", (embedded, real) =>
    Effect.gen(function* () {
      for (const place of builtinPlaces) {
        const validated = (found: KubeJson) =>
          new Map(
            Object.entries(isObject(found["paths"]) ? found["paths"] : {}).flatMap(([at, item]) =>
              objects(item, "patch", "parameters").some((parameter) => text(parameter, "name") === "fieldValidation")
                ? [
                    [
                      at,
                      isObject(item) && isObject(item["patch"])
                        ? item["patch"]["x-kubernetes-group-version-kind"]
                        : undefined
                    ]
                  ]
                : []
            )
          )
        const theirs = validated(yield* document(real, place))
        const ours = validated(yield* document(embedded, place))
        // Groups of kinds that are only asked (TokenReview) have nothing to patch.
        assert.strictEqual(ours.size > 0, theirs.size > 0, place)
        for (const [at, kind] of ours) assert.deepStrictEqual(kind, theirs.get(at), at)
      }
    })
  )

  onBoth("are found by their hash, and moved to it", (api) =>
    Effect.gen(function* () {
      yield* document(api, `apis/${group}/v1`)
      const index = yield* api.raw("GET", "/openapi/v3")
      const url = text(JSON.parse(index.text), "paths", `apis/${group}/v1`, "serverRelativeURL")
      assert.match(url, /^\/openapi\/v3\/apis\/conformance\.example\.com\/v1\?hash=[0-9A-F]{128}$/u)
      const found = yield* api.raw("GET", url)
      assert.deepStrictEqual(
        [found.status, found.headers["cache-control"], found.headers["content-type"]],
        [200, "public, immutable", "application/json"]
      )
      assert.strictEqual(found.headers["etag"], `"${url.split("=")[1]}"`)
      const moved = yield* api.raw("GET", `${url.split("?")[0]}?hash=OLD`)
      assert.deepStrictEqual([moved.status, moved.headers["location"]], [301, url])
      const codes = yield* Effect.forEach(["/openapi/v3/apis/nope/v1", "/openapi/v4"], (target) =>
        api.raw("GET", target)
      )
      assert.deepStrictEqual(
        codes.map((answer) => [answer.status, answer.text]),
        [
          [404, ""],
          [404, "404 page not found\n"]
        ]
      )
      const html = yield* api.raw("GET", url, { accept: "text/html" })
      assert.strictEqual(html.status, 406)
    })
  )
})
