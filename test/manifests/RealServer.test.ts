/** The API server's own word on our CRDs, on the example manifests, and on what our schemas encode. */
import { assert } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import { apiVersion, collectionPath } from "../../schemas/kube/Resource.ts"
import { crdName } from "../../schemas/Crd.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"
import type { Structural } from "../../schemas/Structural.ts"
import { manifests } from "../../src/manifests/Manifests.ts"
import { describeReal, realApi } from "../harness/ApiServer.ts"
import { request } from "../harness/ControlPlane.ts"

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

const strict = "?dryRun=All&fieldValidation=Strict"

const documents = (text: string): ReadonlyArray<Manifest> =>
  Yaml.parseAllDocuments(text).map((it) => {
    assert.deepStrictEqual(it.errors, [])
    return it.toJS() as Manifest
  })

/** Kinds served beyond ours, whose plurals follow the rule. */
const clusterScoped = new Set(["ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"])
const plural = (kind: string): string => (kind.endsWith("ss") ? `${kind.toLowerCase()}es` : `${kind.toLowerCase()}s`)

/** Creates in namespace default, so that no example has to exist before another. */
const dryCreate = Effect.fnUntraced(function* (manifest: Manifest) {
  const access = yield* realApi
  const root = manifest.apiVersion.includes("/") ? `/apis/${manifest.apiVersion}` : `/api/${manifest.apiVersion}`
  const collection = clusterScoped.has(manifest.kind)
    ? `${root}/${plural(manifest.kind)}`
    : `${root}/namespaces/default/${plural(manifest.kind)}`
  const { namespace: _, ...metadata } = manifest.metadata
  return yield* request(access, "POST", `${collection}${strict}`, { ...manifest, metadata }).pipe(
    // A CRD may be established a moment before its path is served.
    Effect.repeat({ while: (answer) => answer.status === 404, times: 50, schedule: Schedule.spaced("100 millis") })
  )
})

const folder = path.resolve(import.meta.dirname, "../../docs/examples")
const isOurs = (manifest: Manifest): boolean =>
  !/\.x-k8s\.io\//u.test(manifest.apiVersion) || isInfrastructure(manifest)
const isInfrastructure = (manifest: Manifest): boolean =>
  manifest.apiVersion.startsWith("infrastructure.cluster.x-k8s.io/")
const withClusterApi = process.env["CAPI_MANIFESTS"] !== undefined

/** What a pattern cannot say of a generated value: unique list keys, base64, and text that UTF-8 can carry. */
const admissible = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const items = schema.items ?? {}
    const all: ReadonlyArray<unknown> = value.map((item) => admissible(item, items))
    const keys = schema["x-kubernetes-list-map-keys"]
    const id = (item: unknown): string =>
      JSON.stringify(
        keys === undefined ? item : keys.map((key) => Object(item)[key] ?? items.properties?.[key]?.default)
      )
    const unique = new Map(all.map((item) => [id(item), item]))
    return schema["x-kubernetes-list-type"] === undefined ? all : [...unique.values()]
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, child]) => [
        name.toWellFormed(),
        admissible(child, schema.properties?.[name] ?? schema.additionalProperties ?? {})
      ])
    )
  }
  if (schema.format === "byte") return Buffer.from(String(value)).toString("base64")
  return typeof value === "string" ? value.toWellFormed() : value
}

describeReal("manifests on a real API server", (it) => {
  it.effect("every CRD is established and structural", () =>
    Effect.gen(function* () {
      const access = yield* realApi
      for (const kind of kinds) {
        const answer = yield* request(
          access,
          "GET",
          `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crdName(kind)}`
        )
        const { status } = JSON.parse(answer.text) as {
          readonly status: { readonly conditions: ReadonlyArray<{ readonly type: string; readonly status: string }> }
        }
        const conditions = Object.fromEntries(status.conditions.map((it) => [it.type, it.status]))
        assert.deepStrictEqual(conditions, { NamesAccepted: "True", Established: "True" }, kind.kind)
      }
    })
  )

  it.effect("every generated object is accepted under strict validation", () =>
    Effect.gen(function* () {
      const all = manifests()
        .flatMap((it) => documents(it.text))
        .filter((it) => it.kind !== "CustomResourceDefinition")
      assert.isAbove(all.length, 3)
      for (const manifest of all) {
        const answer = yield* dryCreate(manifest)
        assert.strictEqual(answer.status, 201, `${manifest.kind} ${manifest.metadata.name}: ${answer.text}`)
      }
    })
  )

  for (const file of fs.readdirSync(folder).toSorted()) {
    const all = documents(fs.readFileSync(path.join(folder, file), "utf8"))
    const served = all.filter((it) => withClusterApi || isOurs(it))
    const rest =
      served.length === all.length
        ? ""
        : ` (${all.length - served.length} of Cluster API skipped: CAPI_MANIFESTS is not set)`

    it.effect(`example ${file} is accepted under strict validation${rest}`, () =>
      Effect.gen(function* () {
        assert.isAbove(served.length, 0)
        for (const manifest of served) {
          const answer = yield* dryCreate(manifest)
          assert.strictEqual(answer.status, 201, `${manifest.kind} ${manifest.metadata.name}: ${answer.text}`)
        }
      })
    )
  }

  for (const kind of kinds) {
    it.effect(`what the schema of ${kind.kind} encodes fits its CRD, and defaults agree`, () =>
      Effect.gen(function* () {
        const samples = yield* Arbitrary.sampleEffect(Arbitrary.schema(kind.schema), { count: 20, seed: 1 })
        for (const sample of samples) {
          // Encoding a whole object gives a record.
          const encoded = Schema.encodeSync(kind.schema)(sample) as { readonly spec: unknown }
          const manifest = {
            apiVersion: apiVersion(kind),
            kind: kind.kind,
            metadata: { name: "sample" },
            spec: admissible(JSON.parse(JSON.stringify(encoded.spec)), kind.structural.spec)
          }
          const answer = yield* dryCreate(manifest)
          assert.strictEqual(answer.status, 201, answer.text)
          const decode = (object: object) =>
            Schema.decodeUnknownSync(kind.schema)({
              ...object,
              metadata: { name: "sample", uid: "u", resourceVersion: "1" }
            })
          assert.deepStrictEqual(decode(JSON.parse(answer.text)), decode(manifest))
        }
      })
    )
  }

  it.effect("unknown and ill-typed fields are refused by name", () =>
    Effect.gen(function* () {
      const access = yield* realApi
      const create = (spec: { readonly [key: string]: unknown }) =>
        request(access, "POST", `${collectionPath(ScvmmMachine, "default")}${strict}`, {
          apiVersion: apiVersion(ScvmmMachine),
          kind: "ScvmmMachine",
          metadata: { name: "m" },
          spec: { cpuCount: 1, hardwareProfile: "p", ...spec }
        })
      assert.strictEqual((yield* create({})).status, 201)
      const wrong: ReadonlyArray<readonly [string, unknown]> = [
        ["cpuCount", "two"],
        ["memory", "1 GB"],
        ["powerPolicy", "Never"],
        ["providerID", ""],
        ["noSuchField", 1]
      ]
      for (const [field, value] of wrong) {
        const answer = yield* create({ [field]: value })
        assert.isAtLeast(answer.status, 400, field)
        assert.include(answer.text, field)
      }
      // What the predecessor's misspelt tags stored is valid still.
      assert.strictEqual(
        (yield* create({ cloud: "", hostGroup: "", disks: [{ size: "0", dynamic: false }] })).status,
        201
      )
    })
  )
})
