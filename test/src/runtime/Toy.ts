/** A small kind and an API in memory for tests of the runtime: patches, conflicts, finalizers and watches, by script. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import { Conflict, Invalid, NotFound } from "../../../layers/kube/KubeError.ts"
import type { Watch } from "../../../layers/kube/Watcher.ts"
import { Condition } from "../../../schemas/kube/Condition.ts"
import type { ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import { ObjectMeta } from "../../../schemas/kube/ObjectMeta.ts"
import type { Json, Operation, Patch } from "../../../schemas/kube/Patch.ts"
import type { KubeObject, Resource, StatusResource } from "../../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../../schemas/kube/Watch.ts"
import { apply } from "../../../src/runtime/MergeDiff.ts"
import { keyText } from "../../../src/runtime/Request.ts"

const status = Schema.Struct({
  built: Schema.optionalKey(Schema.Int),
  phase: Schema.optionalKey(Schema.String),
  addresses: Schema.optionalKey(Schema.Array(Schema.String)),
  conditions: Schema.optionalKey(Schema.Array(Condition))
})

const codec = Schema.Struct({
  metadata: ObjectMeta,
  spec: Schema.optionalKey(Schema.Struct({ size: Schema.Int, box: Schema.optionalKey(Schema.String) })),
  status: Schema.optionalKey(status)
})
export type Toy = typeof codec.Type

export const toys: StatusResource<Toy> = {
  group: "toys.example",
  version: "v1",
  kind: "Toy",
  plural: "toys",
  namespaced: true,
  schema: codec,
  statusSchema: status
}
/** Another kind of the same shape. */
export const boxes: StatusResource<Toy> = { ...toys, kind: "Box", plural: "boxes" }

type Members = { readonly [key: string]: Json }

export const meta = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  namespace: "play",
  uid: `uid-${name}`,
  resourceVersion: "1",
  generation: 1,
  ...more
})

export const toy = (name: string, more: Partial<ObjectMeta> = {}, rest: Omit<Toy, "metadata"> = {}): Toy => ({
  metadata: meta(name, more),
  ...rest
})

const members = (value: Json | undefined): Members =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : {}

const pointer = (path: string): ReadonlyArray<string> => path.split("/").slice(1)

const at = (value: Json | undefined, path: ReadonlyArray<string>): Json | undefined =>
  path.reduce<Json | undefined>(
    (node, part) => (Array.isArray(node) ? (node[Number(part)] as Json | undefined) : members(node)[part]),
    value
  )

const replaceAt = (value: Json, path: ReadonlyArray<string>, next: Json | undefined): Json => {
  const [head, ...tail] = path
  if (head === undefined) return next ?? null
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, i) => (String(i) !== head ? [item] : next === undefined ? [] : [next]))
  }
  const rest = Object.fromEntries(Object.entries(members(value)).filter(([key]) => key !== head))
  if (tail.length === 0) return next === undefined ? rest : { ...rest, [head]: next }
  return { ...rest, [head]: replaceAt(members(value)[head] ?? {}, tail, next) }
}

const operate = (value: Json, operation: Operation): Json | undefined => {
  const path = pointer(operation.path)
  switch (operation.op) {
    case "test":
      return JSON.stringify(at(value, path)) === JSON.stringify(operation.value) ? value : undefined
    case "remove":
      return replaceAt(value, path, undefined)
    default:
      return replaceAt(value, path, operation.value)
  }
}

export interface Api {
  readonly layer: Layer.Layer<KubeClient>
  readonly watch: Watch
  readonly put: (resource: Resource<Toy>, name: string, body: Members) => Effect.Effect<void>
  readonly remove: (resource: Resource<Toy>, name: string) => Effect.Effect<void>
  readonly read: (resource: Resource<Toy>, name: string) => Json | undefined
  readonly writes: Array<{ readonly name: string; readonly patch: Patch; readonly status: boolean }>
  /** Sends an event to the watchers of a kind and nothing else. */
  readonly emit: (resource: Resource<Toy>, event: WatchEvent<Toy>) => Effect.Effect<void>
}

/** `hold` keeps the first listing back until the effect ends. */
export const makeApi = Effect.fnUntraced(function* (hold: Effect.Effect<void> = Effect.void): Effect.fn.Return<Api> {
  let version = 100
  const objects = new Map<string, Json>()
  const events = yield* PubSub.unbounded<{ readonly plural: string; readonly event: WatchEvent<Toy> }>()
  const writes: Api["writes"] = []
  const id = (resource: { readonly plural: string }, key: ObjectKey) => `${resource.plural} ${keyText(key)}`
  const play = (name: string): ObjectKey => ({ namespace: "play", name })
  const decode = (value: Json): Toy => Schema.decodeUnknownSync(codec)(value)
  const emit = (resource: { readonly plural: string }, event: WatchEvent<Toy>) =>
    Effect.asVoid(PubSub.publish(events, { plural: resource.plural, event }))

  const store = (resource: { readonly plural: string }, key: ObjectKey, before: Json | undefined, next: Json) => {
    const changed = JSON.stringify(members(before)["spec"]) !== JSON.stringify(members(next)["spec"])
    const metadata = members(members(next)["metadata"])
    const generation = Number(metadata["generation"] ?? 0) + (changed ? 1 : 0)
    const resourceVersion = String(++version)
    const stored = { ...members(next), metadata: { ...metadata, resourceVersion, generation } }
    const finalizers = metadata["finalizers"]
    if (metadata["deletionTimestamp"] !== undefined && (!Array.isArray(finalizers) || finalizers.length === 0)) {
      objects.delete(id(resource, key))
      return Effect.as(emit(resource, { _tag: "Deleted", object: decode(stored) }), stored)
    }
    objects.set(id(resource, key), stored)
    return Effect.as(emit(resource, { _tag: "Applied", object: decode(stored) }), stored)
  }

  const request = (method: string, path: string) => ({ method, path, detail: "" })

  const patched = (current: Json, path: string, patch: Patch): Effect.Effect<Json, KubeError> => {
    if (patch._tag === "Json") {
      const next = patch.operations.reduce<Json | undefined>(
        (value, operation) => (value === undefined ? undefined : operate(value, operation)),
        current
      )
      return next === undefined
        ? Effect.fail(new Invalid({ ...request("PATCH", path), status: 422, causes: [] }))
        : Effect.succeed(next)
    }
    const asked = members(members(patch.body)["metadata"])["resourceVersion"]
    return asked !== undefined && asked !== at(current, ["metadata", "resourceVersion"])
      ? Effect.fail(new Conflict({ ...request("PATCH", path), reason: "Conflict" }))
      : Effect.succeed(apply(current, patch.body))
  }

  const layer = Layer.mock(KubeClient)({
    patch: <A extends KubeObject>(
      resource: Resource<A>,
      key: ObjectKey,
      patch: Patch,
      options?: { readonly subresource?: "status" }
    ) =>
      Effect.gen(function* () {
        const path = id(resource, key)
        const current = objects.get(path)
        if (current === undefined) return yield* new NotFound(request("PATCH", path))
        writes.push({ name: key.name, patch, status: options?.subresource === "status" })
        const next = yield* patched(current, path, patch)
        const stored = yield* store(resource, key, current, next)
        return Schema.decodeUnknownSync(resource.schema)(stored)
      })
  })

  const watch: Watch = (resource) => {
    // The listing and the subscription are one step, as a watch from the listing's resourceVersion is.
    const listed = Stream.unwrap(
      Effect.gen(function* () {
        yield* hold
        const subscription = yield* PubSub.subscribe(events)
        const items = [...objects]
          .filter(([key]) => key.startsWith(`${resource.plural} `))
          .map(([, value]) => Schema.decodeUnknownSync(resource.schema)(value))
        return Stream.concat(
          Stream.succeed<WatchEvent<(typeof items)[number]>>({ _tag: "Listed", items }),
          Stream.fromSubscription(subscription).pipe(
            Stream.filter(({ plural }) => plural === resource.plural),
            // Toys are all there is behind these descriptors.
            Stream.map(({ event }) => event as unknown as WatchEvent<(typeof items)[number]>)
          )
        )
      })
    )
    return listed
  }

  return {
    layer,
    watch,
    writes,
    emit,
    read: (resource, name) => objects.get(id(resource, play(name))),
    put: (resource, name, body) => {
      const before = objects.get(id(resource, play(name)))
      const fresh = { metadata: { name, namespace: "play", uid: `uid-${name}-${version}` } }
      return Effect.asVoid(store(resource, play(name), before, apply(before ?? fresh, body)))
    },
    remove: (resource, name) => {
      const before = objects.get(id(resource, play(name)))
      return before === undefined
        ? Effect.void
        : Effect.asVoid(
            store(
              resource,
              play(name),
              before,
              apply(before, { metadata: { deletionTimestamp: "1970-01-01T00:00:00Z" } })
            )
          )
    }
  }
})
