/** What wakes a controller: events of its own kind, of what it owns, of what it looks at, and of the world outside. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { ObjectKey, ObjectMeta } from "../../schemas/kube/ObjectMeta.ts"
import { keyOf, ownerOf } from "../../schemas/kube/ObjectMeta.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { Informers } from "./Informers.ts"
import * as Priority from "./Priority.ts"
import type { Request } from "./Request.ts"
import { keyText, make } from "./Request.ts"
import type { Change } from "./Store.ts"

export interface Trigger<out R = never> {
  /** Connects the trigger to a queue; what it returns runs for as long as the controller does. */
  readonly attach: (
    add: (request: Request) => Effect.Effect<void>
  ) => Effect.Effect<Effect.Effect<void, never, R>, never, Informers>
}

const sameEntries = (
  a: Readonly<Record<string, string>> | undefined,
  b: Readonly<Record<string, string>> | undefined
): boolean => {
  const [left, right] = [Object.entries(a ?? {}), b ?? {}]
  return left.length === Object.keys(right).length && left.every(([key, value]) => right[key] === value)
}

const owners = (meta: ObjectMeta): string =>
  JSON.stringify(
    (meta.ownerReferences ?? []).map((owner) => [owner.uid, owner.kind, owner.apiVersion, owner.controller])
  )

/**
 * Whether a change is more than a status write (design D20): generation, labels, annotations, finalizers, owners and
 * deletionTimestamp are compared, and of kinds without a generation every change counts.
 */
export const concernsSpec = (previous: ObjectMeta, next: ObjectMeta): boolean =>
  previous.uid !== next.uid ||
  next.generation === undefined ||
  previous.generation !== next.generation ||
  previous.deletionTimestamp !== next.deletionTimestamp ||
  !sameEntries(previous.labels, next.labels) ||
  !sameEntries(previous.annotations, next.annotations) ||
  JSON.stringify(previous.finalizers ?? []) !== JSON.stringify(next.finalizers ?? []) ||
  owners(previous) !== owners(next)

const verbs = { Added: "added", Updated: "updated", Deleted: "deleted" } as const

/** The objects that a change is about: keys may hang on what an object was as much as on what it is. */
const versions = <A extends KubeObject>(change: Change<A>): ReadonlyArray<A> =>
  change._tag === "Updated" ? [change.previous, change.object] : [change.object]

/** What somebody did goes before what was there already, and before writes of status alone. */
export const priorityOf = <A extends KubeObject>(change: Change<A>): Priority.Priority => {
  switch (change._tag) {
    case "Added":
      return change.initial ? Priority.low : Priority.normal
    case "Updated":
      return concernsSpec(change.previous.metadata, change.object.metadata) ? Priority.normal : Priority.low
    case "Deleted":
      return Priority.normal
  }
}

const watching = <A extends KubeObject>(
  resource: Resource<A>,
  keys: (change: Change<A>) => ReadonlyArray<ObjectKey>
): Trigger => ({
  attach: (add) =>
    Effect.gen(function* () {
      const informers = yield* Informers
      yield* informers.subscribe(resource, (change) => {
        const unique = new Map(keys(change).map((key) => [keyText(key), key]))
        const reason = `${resource.kind} ${verbs[change._tag]}`
        const priority = priorityOf(change)
        return Effect.forEach(unique.values(), (key) => add(make(key, reason, priority)), { discard: true })
      })
      return Effect.void
    })
})

/** The controller's own kind; writes of status alone do not count. */
export const self = <A extends KubeObject>(resource: Resource<A>): Trigger =>
  watching(resource, (change) =>
    change._tag === "Updated" && !concernsSpec(change.previous.metadata, change.object.metadata)
      ? []
      : [keyOf(change.object)]
  )

/** Objects that the controller's objects own: every change, status included. */
export const owner = <A extends KubeObject>(
  resource: Resource<A>,
  of: { readonly group: string; readonly kind: string }
): Trigger =>
  watching(resource, (change) =>
    versions(change).flatMap((object) => {
      const reference = ownerOf(object.metadata, of.group, of.kind)
      return reference === undefined ? [] : [{ namespace: object.metadata.namespace ?? "", name: reference.name }]
    })
  )

/** Any other kind: every change, of what it was and of what it is. The function may read stores. */
export const mapped = <A extends KubeObject>(
  resource: Resource<A>,
  keys: (object: A) => ReadonlyArray<ObjectKey>
): Trigger => watching(resource, (change) => versions(change).flatMap(keys))

/** Keys from outside Kubernetes: background, unless what somebody asked for goes on with it. */
export const external = <R>(
  stream: Stream.Stream<ObjectKey, never, R>,
  reason = "external",
  priority: Priority.Priority = Priority.low
): Trigger<R> => ({
  attach: (add) => Effect.succeed(Stream.runForEach(stream, (key) => add(make(key, reason, priority))))
})
