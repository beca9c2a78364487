/** Objects of one kind in memory: a read side for everybody, a write side for the one watch that feeds it. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import { keyOf } from "../../schemas/kube/ObjectMeta.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../schemas/kube/Watch.ts"
import { keyText } from "./Request.ts"

/** Synchronous reads of the newest state that the watch has brought: it may lag behind the API server, never mix. */
export interface Store<A extends KubeObject> {
  readonly resource: Resource<A>
  readonly get: (key: ObjectKey) => A | undefined
  /** "" or absent: all namespaces. */
  readonly list: (namespace?: string) => ReadonlyArray<A>
  /** Objects for which the index function gave `value`; an unknown index is a defect of the caller. */
  readonly byIndex: (index: string, value: string) => ReadonlyArray<A>
  /**
   * Objects that exist and cannot be read in their present version: whoever concludes something from an object's absence looks
   * here first.
   */
  readonly unreadable: () => ReadonlyArray<ObjectKey>
  /** The first complete listing arrived. */
  readonly ready: Effect.Effect<void>
}

/** What one event of the watch meant for the store. */
export type Change<A extends KubeObject> =
  /** `initial`: it was there before anybody listened, in the first listing or in the store. */
  | { readonly _tag: "Added"; readonly object: A; readonly initial: boolean }
  | { readonly _tag: "Updated"; readonly object: A; readonly previous: A }
  | { readonly _tag: "Deleted"; readonly object: A }

export type IndexFunction<A> = (object: A) => ReadonlyArray<string>
export type Indexes<A> = Readonly<Record<string, IndexFunction<A>>>

/** The write side: belongs to the one watch of this kind. */
export interface Writer<A extends KubeObject> {
  readonly store: Store<A>
  /** Takes an event in and says what changed, in order; the store is up to date when this returns. */
  readonly write: (event: WatchEvent<A>) => ReadonlyArray<Change<A>>
  /** Further indexes, over what is there already as well; a name means one function for as long as the store lives. */
  readonly index: (indexes: Indexes<A>) => void
  readonly isReady: () => boolean
}

interface Index<A> {
  readonly values: IndexFunction<A>
  readonly entries: Map<string, Map<string, A>>
}

/**
 * Whether `next` is an older version of the same object than `stored`: resourceVersions of one object grow, and are whole
 * numbers on every API server there is. Anything that is no number is taken as it comes.
 */
export const isOlder = (next: KubeObject, stored: KubeObject): boolean => {
  const [a, b] = [next.metadata.resourceVersion, stored.metadata.resourceVersion]
  if (next.metadata.uid !== stored.metadata.uid || !/^\d+$/u.test(a) || !/^\d+$/u.test(b)) return false
  return BigInt(a) < BigInt(b)
}

export const make = <A extends KubeObject>(resource: Resource<A>): Writer<A> => {
  const objects = new Map<string, A>()
  const indexes = new Map<string, Index<A>>()
  const unreadable = new Map<string, ObjectKey>()
  const ready = Latch.makeUnsafe()

  const unindex = (key: string, object: A): void => {
    for (const index of indexes.values()) {
      for (const value of index.values(object)) {
        const bucket = index.entries.get(value)
        bucket?.delete(key)
        if (bucket?.size === 0) index.entries.delete(value)
      }
    }
  }

  const enter = (index: Index<A>, key: string, object: A): void => {
    for (const value of index.values(object)) {
      const bucket = index.entries.get(value) ?? new Map<string, A>()
      index.entries.set(value, bucket.set(key, object))
    }
  }

  /** `listed`: by a listing, which says what there is, an API whose etcd was restored from a backup included. */
  const put = (object: A, listed: boolean): ReadonlyArray<Change<A>> => {
    const key = keyText(keyOf(object))
    const previous = objects.get(key)
    unreadable.delete(key)
    if (previous !== undefined) {
      const same =
        previous.metadata.uid === object.metadata.uid &&
        previous.metadata.resourceVersion === object.metadata.resourceVersion
      if (same || (!listed && isOlder(object, previous))) return []
      unindex(key, previous)
    }
    objects.set(key, object)
    for (const index of indexes.values()) enter(index, key, object)
    if (previous === undefined) return [{ _tag: "Added", object, initial: !ready.isOpen() }]
    // Deleted and made again under the same name while the watch was away: both are news.
    return previous.metadata.uid === object.metadata.uid
      ? [{ _tag: "Updated", object, previous }]
      : [
          { _tag: "Deleted", object: previous },
          { _tag: "Added", object, initial: false }
        ]
  }

  const drop = (key: string, last: A | undefined): ReadonlyArray<Change<A>> => {
    const previous = objects.get(key)
    unreadable.delete(key)
    if (previous === undefined) return []
    objects.delete(key)
    unindex(key, previous)
    return [{ _tag: "Deleted", object: last ?? previous }]
  }

  const write = (event: WatchEvent<A>): ReadonlyArray<Change<A>> => {
    switch (event._tag) {
      case "Listed": {
        // Before the store is ready: who finds an object missing must find it here.
        unreadable.clear()
        for (const key of event.unreadable ?? []) unreadable.set(keyText(key), key)
        const listed = new Set(event.items.map((item) => keyText(keyOf(item))))
        const gone = [...objects.keys()].filter((key) => !listed.has(key) && !unreadable.has(key))
        const changes = [
          ...gone.flatMap((key) => drop(key, undefined)),
          ...event.items.flatMap((item) => put(item, true))
        ]
        ready.openUnsafe()
        return changes
      }
      case "Applied":
        return put(event.object, false)
      case "Deleted": {
        const key = keyText(keyOf(event.object))
        const stored = objects.get(key)
        // The object of that name may be a younger one already.
        return stored !== undefined && stored.metadata.uid !== event.object.metadata.uid ? [] : drop(key, event.object)
      }
      case "Undecodable":
        unreadable.set(keyText(event.key), event.key)
        // The last version that could be read stays: every write based on it ends in a conflict, so nothing acts on it.
        return []
    }
  }

  return {
    write,
    isReady: () => ready.isOpen(),
    index: (more) => {
      for (const [name, values] of Object.entries(more)) {
        if (indexes.has(name)) continue
        const index: Index<A> = { values, entries: new Map() }
        for (const [key, object] of objects) enter(index, key, object)
        indexes.set(name, index)
      }
    },
    store: {
      resource,
      get: (key) => objects.get(keyText(key)),
      list: (namespace) => {
        const all = [...objects.values()]
        return namespace === undefined || namespace === ""
          ? all
          : all.filter((object) => object.metadata.namespace === namespace)
      },
      byIndex: (name, value) => {
        const index = indexes.get(name)
        if (index === undefined) throw new Error(`the store of ${resource.kind} has no index "${name}"`)
        return [...(index.entries.get(value)?.values() ?? [])]
      },
      unreadable: () => [...unreadable.values()],
      ready: Effect.asVoid(ready.await)
    }
  }
}
