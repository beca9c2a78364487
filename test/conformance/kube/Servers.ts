/** The API servers that the same checks run on, each with a namespace of the test's own and one CRD to try things on. */
import { it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import * as Access from "../../../src/simulators/kube/Access.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import { at, isObject, objects, text, type Json, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { remote } from "../../../src/simulators/kube/RemoteApiServer.ts"
import { realApi, unavailable } from "../../harness/ApiServer.ts"
import { seed } from "../../harness/Chance.ts"

export const group = "conformance.example.com"
export const version = `${group}/v1`
export const gadgets = { group, version: "v1", plural: "gadgets" }
export const configMaps = { group: "", version: "v1", plural: "configmaps" }
export const namespaces = { group: "", version: "v1", plural: "namespaces" }
const crds = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }

const string = { type: "string" }

const spec: KubeJson = {
  type: "object",
  required: ["size"],
  properties: {
    size: { type: "string", enum: ["small", "large"] },
    count: { type: "integer", minimum: 1, maximum: 10, default: 3 },
    ratio: { type: "number", minimum: 0, exclusiveMinimum: true },
    fives: { type: "integer", multipleOf: 5 },
    little: { type: "integer", format: "int32" },
    name: { type: "string", pattern: "^[a-z]+$", minLength: 2, maxLength: 5 },
    flag: { type: "boolean" },
    maybe: { type: "string", nullable: true },
    when: { type: "string", format: "date-time" },
    memory: { "x-kubernetes-int-or-string": true, anyOf: [{ type: "integer" }, string], pattern: "^[0-9]+(Mi|Gi)?$" },
    devices: {
      type: "array",
      minItems: 1,
      maxItems: 3,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
      items: {
        type: "object",
        required: ["nic"],
        properties: {
          name: { type: "string", default: "eth0" },
          nic: string,
          extra: { type: "object", default: {}, properties: { deep: { type: "integer", default: 7 } } }
        }
      }
    },
    tags: { type: "array", items: string, "x-kubernetes-list-type": "set" },
    labels: { type: "object", additionalProperties: { type: "string", maxLength: 4 } },
    free: {
      type: "object",
      "x-kubernetes-preserve-unknown-fields": true,
      properties: { known: { type: "object", properties: { a: string } } }
    },
    endpoint: { type: "object", minProperties: 1, properties: { host: string, port: { type: "integer" } } }
  }
}

const crd: KubeJson = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: `gadgets.${group}` },
  spec: {
    group,
    scope: "Namespaced",
    names: { plural: "gadgets", singular: "gadget", kind: "Gadget", shortNames: ["gd"], categories: ["conformance"] },
    versions: [
      {
        name: "v1",
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: "Size", type: "string", jsonPath: ".spec.size" },
          { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
          { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" }
        ],
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              apiVersion: string,
              kind: string,
              metadata: { type: "object" },
              spec,
              status: {
                type: "object",
                properties: {
                  phase: string,
                  conditions: {
                    type: "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                    items: {
                      type: "object",
                      required: ["type", "status"],
                      properties: { type: string, status: string }
                    }
                  }
                }
              }
            }
          }
        }
      }
    ]
  }
}

/** A server by its administrator's way in, and by that of whoever holds a token; "" holds none. */
interface Server {
  readonly access: Access.Access
  readonly as: (token: string) => Effect.Effect<Access.Access, unknown, Scope.Scope>
}

/** One server as a test meets it. */
export interface Api extends Access.Access, Pick<Server, "as"> {
  /** Made for this test. */
  readonly namespace: string
}

const ready = (access: Access.Access) =>
  access.list(gadgets, "default").pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 }))

const real = Effect.gen(function* () {
  const { kubeconfig } = yield* realApi
  const written = fs.readFileSync(kubeconfig, "utf8")
  const access = Access.make(yield* remote(written))
  yield* access.create(crds, "", crd).pipe(
    Effect.catchIf(
      (error) => error.status === 409,
      () => Effect.void
    )
  )
  yield* ready(access)
  // The administrator's kubeconfig, as the harness wrote it.
  const config = JSON.parse(written) as { readonly users: ReadonlyArray<{ readonly name: string }> }
  const as = (token: string) =>
    Effect.map(
      remote(JSON.stringify({ ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) })),
      (handler) => Access.make(handler)
    )
  return { access, as } satisfies Server
})

const folder = path.resolve(import.meta.dirname, "../../../schemas/crds")

/** The CRDs of this repository, which the real server has, too. */
const ours = (): ReadonlyArray<KubeJson> =>
  fs.readdirSync(folder).map((file) => Yaml.parse(fs.readFileSync(path.join(folder, file), "utf8")))

const embeddedWith = (crds: ReadonlyArray<KubeJson>) =>
  Effect.map(EmbeddedApiServer.make({ crds }), ({ access, handler }): Server => {
    const bearing =
      (token: string): Handler =>
      (request, connection) =>
        handler(
          { ...request, headers: { ...request.headers, ...(token !== "" && { authorization: `Bearer ${token}` }) } },
          connection
        )
    return { access, as: (token) => Effect.succeed(Access.make(bearing(token))) }
  })

const embedded = embeddedWith([crd])

const withNamespace = ({ access, as }: Server) =>
  Effect.gen(function* () {
    // Unseeded in live tests, so tests that run side by side on one real server do not meet.
    const namespace = `t${(yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER)).toString(36)}`
    yield* access.create(namespaces, "", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } })
    return { ...access, as, namespace }
  })

const servers: ReadonlyArray<{
  readonly name: string
  readonly open: Effect.Effect<Server, unknown, Scope.Scope>
  readonly skipped: boolean
}> = [
  { name: "embedded", open: embedded, skipped: false },
  { name: "kube-apiserver", open: real, skipped: unavailable !== undefined }
]

/** The real server's controllers take their time, the more so when they have just started. */
const patience = 60_000

/** One check, run on each server in turn. */
export const onBoth = (title: string, check: (api: Api) => Effect.Effect<void, unknown, Scope.Scope>) => {
  for (const { name, open, skipped } of servers) {
    const run = skipped ? it.live.skip : it.live
    run(`${title} (${name})`, () => Effect.scoped(Effect.flatMap(Effect.flatMap(open, withNamespace), check)), patience)
  }
}

/** A check that holds one server's answers against the other's; both serve this repository's CRDs. */
export const compared = (
  title: string,
  check: (embedded: Api, real: Api) => Effect.Effect<void, unknown, Scope.Scope>
) => {
  const run = unavailable === undefined ? it.live : it.live.skip
  run(
    title,
    () =>
      Effect.gen(function* () {
        const left = yield* Effect.flatMap(embeddedWith([crd, ...ours()]), withNamespace)
        const right = yield* Effect.flatMap(real, withNamespace)
        yield* Random.withSeed(check(left, right), seed)
      }).pipe(Effect.scoped),
    patience
  )
}

export const gadget = (name: string, fields: KubeJson = { size: "small" }, meta: KubeJson = {}): KubeJson => ({
  apiVersion: version,
  kind: "Gadget",
  metadata: { name, ...meta },
  spec: fields
})

export const configMap = (name: string, meta: KubeJson = {}): KubeJson => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, ...meta },
  data: { a: "b" }
})

export const ownedBy = (owner: KubeJson, more: KubeJson = {}): KubeJson => ({
  apiVersion: text(owner, "apiVersion"),
  kind: text(owner, "kind"),
  name: text(owner, "metadata", "name"),
  uid: text(owner, "metadata", "uid"),
  ...more
})

export const meta = (object: KubeJson | undefined, field: string): Json | undefined => at(object, "metadata", field)

/** Any exchange, with its answer parsed. */
export const exchange = (
  api: Access.Access,
  method: string,
  target: string,
  body?: KubeJson | string,
  contentType = "application/json"
) =>
  Effect.map(
    api.raw(
      method,
      target,
      body === undefined ? {} : { "content-type": contentType },
      body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body)
    ),
    (answer) => {
      // Asserted upon field by field.
      const parsed: Json = answer.text.startsWith("{") ? (JSON.parse(answer.text) as Json) : null
      const object = isObject(parsed) ? parsed : {}
      return {
        status: answer.status,
        warning: answer.headers["warning"] ?? "",
        object,
        message: text(object, "message"),
        causes: objects(object, "details", "causes")
          .map((cause) => `${text(cause, "reason")} ${text(cause, "field")}`)
          .filter((cause, index, all) => all.indexOf(cause) === index)
          .toSorted()
      }
    }
  )

/** The status code and reason of a refusal. */
export const refusal = <A>(effect: Effect.Effect<A, Access.AccessError>) =>
  Effect.map(Effect.flip(effect), (error) => `${error.status} ${error.reason}`)

/** Waits for what a controller of the server does in its own time. */
export const eventually = <A, E>(effect: Effect.Effect<A, E>, holds: (found: A) => boolean) =>
  effect.pipe(
    Effect.filterOrFail(holds, (found) => new Error(`not yet: ${JSON.stringify(found)}`)),
    Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 900 })
  )
