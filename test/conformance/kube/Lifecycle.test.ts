import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { path } from "../../../src/simulators/kube/Access.ts"
import { assign, at, metadata, objects, strings, text, type KubeJson } from "../../../src/simulators/kube/KubeJson.ts"
import { compared, configMap, configMaps, eventually, exchange, gadget, gadgets, meta, type Api } from "./Servers.ts"

/** One request, made of the same choices for both servers. */
interface Step {
  readonly method: string
  readonly collection: (api: Api) => string
  readonly name: string
  readonly query: string
  readonly contentType?: string
  /** Of the object as it is, if it is. */
  readonly body?: (held: KubeJson | undefined, past: KubeJson | undefined) => KubeJson
}

const among = (count: number) => Random.nextIntBetween(0, count)

const pick = <A>(items: readonly [A, ...ReadonlyArray<A>]) =>
  Effect.map(among(items.length), (index) => items[index] ?? items[0])

const merge = "application/merge-patch+json"

const some = <A>(items: ReadonlyArray<A>) =>
  Effect.map(
    Effect.forEach(items, (item) => Effect.map(among(2), (kept) => (kept === 1 ? [item] : []))),
    (kept) => kept.flat()
  )

const version = (held: KubeJson | undefined) => text(held, "metadata", "resourceVersion")

const step = Effect.gen(function* () {
  const custom = (yield* among(3)) > 0
  const name = yield* pick(["a", "b"])
  const query = yield* pick(["", "", "", "", "?dryRun=All"])
  const finalizers = yield* some(["x.io/a", "x.io/b"])
  const labels = yield* pick<KubeJson | null>([{ tier: "x" }, { tier: "y" }, null])
  const size = yield* pick(["small", "large", "odd"])
  const phase = yield* pick(["Up", "Down"])
  const base = { collection: (api: Api) => path(custom ? gadgets : configMaps, api.namespace), name, query }
  const spec = custom ? { spec: { size } } : { data: { size } }
  const fresh = custom ? gadget(name, { size: "small" }, { finalizers }) : configMap(name, { finalizers })
  const patch = (body: KubeJson, target = name): Step => ({
    ...base,
    name: target,
    method: "PATCH",
    contentType: merge,
    body: () => body
  })
  const remove = (options: (held: KubeJson | undefined) => KubeJson): Step => ({
    ...base,
    method: "DELETE",
    body: options
  })
  // The real server's garbage collector looks at a new kind only after half a minute.
  const policy = custom ? "Background" : yield* pick(["Background", "Foreground", "Orphan"])
  const grace = yield* pick([0, 1, 30])
  const oddMeta = yield* pick<KubeJson>([
    { generateName: "Odd_" },
    { generateName: "-" },
    { generateName: "x/y-" },
    { generateName: "a".repeat(250) },
    { name: "Odd_" },
    { name, labels: { "a/b/c": "d" } },
    // One fault each: several come in the order of a Go map.
    { name, labels: { "/b": "d" } },
    { name, labels: { "A/b": "d" } },
    { name, labels: { "b/": "-" } },
    { name, annotations: { "a/b/c": "d" } },
    { name, annotations: { "A/b": "" } },
    { name, finalizers: ["a/b/c"] },
    { name, finalizers: ["plain", "x.io"] },
    { name, finalizers: custom ? [] : ["x.io/a", "orphan"] },
    { name, generation: -1 },
    { name, generation: 7 },
    { name, deletionGracePeriodSeconds: 3 },
    { name, deletionGracePeriodSeconds: -3 },
    { name, ownerReferences: [{ apiVersion: "v1", kind: "Event", name: "e", uid: "u" }] },
    { name, ownerReferences: [{ apiVersion: "a/b/c", kind: "X", name: "e", uid: "u" }] },
    { name, selfLink: "/x" },
    { name, selfLink: "/x", uid: "u", creationTimestamp: null }
  ])
  const unknown = yield* pick<KubeJson>([{}, { nothing: 1 }, { metadata: { nothing: 1 } }])
  return yield* pick<Step>([
    { ...base, method: "POST", name: "", body: () => ({ ...fresh, metadata: oddMeta }) },
    patch({ metadata: oddMeta }),
    {
      ...base,
      method: "PUT",
      body: (held) => ({ ...(held ?? fresh), metadata: { ...metadata(held ?? fresh), ...oddMeta } })
    },
    patch({ ...unknown, ...(custom ? { spec: { size } } : { data: { size: 1 } }) }),
    {
      ...base,
      method: "POST",
      name: "",
      body: () => ({ ...fresh, ...unknown, ...(custom ? { spec: { size } } : { immutable: "odd" }) })
    },
    remove(() => ({ propagationPolicy: policy, gracePeriodSeconds: grace })),
    remove(() => ({ gracePeriodSeconds: -grace })),
    remove(() => ({ orphanDependents: !custom && grace > 0 })),
    { ...base, method: "POST", name: "", body: () => fresh },
    { ...base, method: "POST", name: "", body: () => fresh },
    patch({ metadata: { finalizers } }),
    patch({ metadata: { labels } }),
    patch(spec),
    patch({ ...spec, status: { phase } }, `${name}/status`),
    patch({ metadata: { finalizers, labels, deletionTimestamp: null, uid: null }, ...spec }),
    {
      ...base,
      method: "PATCH",
      contentType: merge,
      body: (held) => ({ metadata: { resourceVersion: version(held) }, ...spec })
    },
    {
      ...base,
      method: "PATCH",
      contentType: merge,
      body: (_held, past) => ({ metadata: { resourceVersion: version(past) }, ...spec })
    },
    { ...base, method: "PUT", body: (held) => ({ ...(held ?? fresh), ...spec }) },
    { ...base, method: "PUT", body: (_held, past) => ({ ...(past ?? fresh), ...spec }) },
    { ...base, method: "PUT", body: () => ({ ...fresh, ...spec }) },
    remove(() => ({})),
    remove(() => ({ propagationPolicy: "Background", gracePeriodSeconds: 3 })),
    remove((held) => ({ preconditions: { uid: text(held, "metadata", "uid"), resourceVersion: version(held) } })),
    remove((held) => ({ preconditions: { resourceVersion: `${version(held)}0` } })),
    remove(() => ({ preconditions: { uid: "other" } })),
    {
      ...base,
      method: "DELETE",
      name: "",
      query: `${query === "" ? "?" : `${query}&`}labelSelector=tier%3Dx`,
      body: () => ({})
    }
  ])
})

/** Names that the server makes up of `generateNames`. */
const generated = /(Odd_|-|x\/y-)[a-z0-9]{5}(?![a-z0-9])/gu

/** Without what differs between any two servers: times, uids and versions. */
const comparable = (api: Api, object: KubeJson): KubeJson => {
  const own = metadata(object)
  const stamped = (field: string) => (own[field] === undefined ? undefined : "some")
  const items = objects(object, "items").map((item) => comparable(api, { ...item, kind: "" }))
  return assign(object, {
    metadata: assign(own, {
      uid: stamped("uid"),
      resourceVersion: stamped("resourceVersion"),
      creationTimestamp: stamped("creationTimestamp"),
      deletionTimestamp: stamped("deletionTimestamp"),
      namespace: stamped("namespace"),
      ...(own["generateName"] !== undefined && { name: text(own, "name").length }),
      managedFields: undefined,
      continue: undefined
    }),
    ...(text(object, "kind").endsWith("List") && { items }),
    ...(text(object, "kind") === "Status" && {
      message: text(object, "message")
        .replaceAll(api.namespace, "N")
        .replaceAll(generated, "$1N")
        // What a patch made of an object has managedFields there, and its members in another order.
        .replace(/(patch: Invalid value: )"\{.*\}"/u, "$1N")
        .replaceAll(/[0-9a-f-]{36}|\d{2,}/gu, "N"),
      details: assign((at(object, "details") ?? {}) as KubeJson, {
        name: text(object, "details", "name").replaceAll(generated, "$1N"),
        uid: undefined,
        causes: undefined
      })
    })
  })
}

const isCollected = (item: KubeJson): boolean =>
  meta(item, "deletionTimestamp") !== undefined &&
  strings(item, "metadata", "finalizers").some((finalizer) => ["orphan", "foregroundDeletion"].includes(finalizer))

describe("the life of objects", () => {
  compared("goes the same way, whatever is asked", (embedded, real) =>
    Effect.gen(function* () {
      const past = new Map<string, KubeJson>()
      for (let round = 0; round < 250; round++) {
        const { method, collection, name, query, contentType, body } = yield* step
        const [ours, theirs] = yield* Effect.forEach([embedded, real], (api) =>
          Effect.gen(function* () {
            const object = `${collection(api)}/${name.replace("/status", "")}`
            const { status, object: found } = yield* exchange(api, "GET", object)
            const held = name !== "" && status === 200 ? found : undefined
            const target = `${collection(api)}${name === "" ? "" : `/${name}`}${query}`
            const answer = yield* exchange(api, method, target, body?.(held, past.get(object)), contentType)
            if (held !== undefined && round % 3 === 0) past.set(object, held)
            // Both collect garbage in their own time.
            const after = yield* eventually(exchange(api, "GET", collection(api)), ({ object: list }) =>
              objects(list, "items").every((item) => !isCollected(item))
            )
            return {
              answer: [answer.status, comparable(api, answer.object)],
              warning: answer.warning,
              after: objects(after.object, "items").map((item) => comparable(api, item))
            }
          })
        )
        assert.deepStrictEqual(
          ours,
          theirs,
          `round ${round}: ${method} ${name}${query} ${JSON.stringify(body?.(undefined, undefined))}`
        )
      }
    })
  )
})
