/** Objects in memory under one increasing revision, with a bounded history that watches and old listings read. */
import { metadata, objects, text, withMetadata, type KubeJson } from "./KubeJson.ts"
import type { Snapshot } from "./Snapshot.ts"

/** One committed write; a deletion carries the last state under the revision of the deletion. */
export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED"
  readonly store: string
  readonly key: string
  readonly revision: number
  readonly object: KubeJson
  readonly previous: KubeJson | undefined
  /** The change as watches send it, by representation: written once, whoever watches. */
  readonly lines: Map<string, Uint8Array>
}

export interface Location {
  readonly store: string
  readonly key: string
}

export interface Entry {
  readonly key: string
  readonly object: KubeJson
}

export interface Storage {
  readonly revision: () => number
  readonly get: (store: string, key: string) => KubeJson | undefined
  /** Creates or replaces; answers the object under its new resourceVersion. */
  readonly put: (store: string, key: string, object: KubeJson) => KubeJson
  /** Answers the last state under the revision of the deletion. */
  readonly remove: (store: string, key: string) => KubeJson | undefined
  /** Entries whose key starts with the prefix, by key. */
  readonly list: (store: string, prefix: string) => ReadonlyArray<Entry>
  /** The same as of an older revision; undefined when history does not reach back. */
  readonly listAt: (store: string, prefix: string, revision: number) => ReadonlyArray<Entry> | undefined
  /** Changes after a revision; undefined when history does not reach back. */
  readonly since: (store: string, revision: number) => ReadonlyArray<Change> | undefined
  /** The first revision from which a watch of the store can start. */
  readonly oldest: (store: string) => number
  /** Starts the history of a store that comes to be now. */
  readonly open: (store: string) => void
  /** Forgets all history, as etcd does at a compaction. */
  readonly compact: () => void
  readonly locate: (uid: string) => Location | undefined
  /** Objects that name the uid as an owner. */
  readonly dependents: (uid: string) => ReadonlyArray<Location>
  /** All that is held and remembered. */
  readonly snapshot: () => Pick<Snapshot, "revision" | "stores">
  /** Called with every change, in order, before the write returns; "" follows every store. */
  readonly follow: (store: string, listener: (change: Change) => void) => () => void
}

interface Shelf {
  readonly held: Map<string, KubeJson>
  sorted: ReadonlyArray<string> | undefined
  history: Array<Change>
  floor: number
  readonly listeners: Set<(change: Change) => void>
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const ownerUids = (object: KubeJson | undefined): ReadonlyArray<string> =>
  object === undefined ? [] : objects(metadata(object), "ownerReferences").map((owner) => text(owner, "uid"))

/** @param historyLimit changes kept per store before the oldest half is forgotten */
export const make = (options: {
  readonly firstRevision: number
  readonly historyLimit: number
  readonly from?: Pick<Snapshot, "revision" | "stores"> | undefined
}): Storage => {
  const shelves = new Map<string, Shelf>()
  const everyone = new Set<(change: Change) => void>()
  const located = new Map<string, Location>()
  const owned = new Map<string, Map<string, Location>>()
  let revision = options.from?.revision ?? options.firstRevision

  const shelf = (store: string): Shelf => {
    const known = shelves.get(store)
    if (known !== undefined) return known
    const made: Shelf = { held: new Map(), sorted: undefined, history: [], floor: revision, listeners: new Set() }
    shelves.set(store, made)
    return made
  }

  const index = (location: Location, before: KubeJson | undefined, after: KubeJson | undefined) => {
    const id = `${location.store} ${location.key}`
    for (const uid of ownerUids(before)) {
      const dependents = owned.get(uid)
      dependents?.delete(id)
      if (dependents?.size === 0) owned.delete(uid)
    }
    for (const uid of ownerUids(after)) {
      const dependents = owned.get(uid) ?? new Map<string, Location>()
      owned.set(uid, dependents.set(id, location))
    }
    if (before !== undefined && after === undefined) located.delete(text(metadata(before), "uid"))
    if (after !== undefined) located.set(text(metadata(after), "uid"), location)
  }

  const commit = (place: Shelf, change: Omit<Change, "lines">) => {
    const recorded: Change = { ...change, lines: new Map() }
    place.history.push(recorded)
    if (place.history.length > options.historyLimit) {
      const dropped = place.history.splice(0, Math.ceil(options.historyLimit / 2))
      place.floor = dropped.at(-1)?.revision ?? place.floor
    }
    for (const listener of place.listeners) listener(recorded)
    for (const listener of everyone) listener(recorded)
  }

  const put = (store: string, key: string, object: KubeJson): KubeJson => {
    const place = shelf(store)
    const previous = place.held.get(key)
    revision += 1
    const stored = withMetadata(object, { resourceVersion: String(revision) })
    place.held.set(key, stored)
    if (previous === undefined) place.sorted = undefined
    index({ store, key }, previous, stored)
    commit(place, {
      type: previous === undefined ? "ADDED" : "MODIFIED",
      store,
      key,
      revision,
      object: stored,
      previous
    })
    return stored
  }

  const remove = (store: string, key: string): KubeJson | undefined => {
    const place = shelf(store)
    const previous = place.held.get(key)
    if (previous === undefined) return undefined
    revision += 1
    place.held.delete(key)
    place.sorted = undefined
    index({ store, key }, previous, undefined)
    const last = withMetadata(previous, { resourceVersion: String(revision) })
    commit(place, { type: "DELETED", store, key, revision, object: last, previous })
    return last
  }

  const list = (store: string, prefix: string): ReadonlyArray<Entry> => {
    const place = shelf(store)
    place.sorted ??= [...place.held.keys()].toSorted(compare)
    const found: Array<Entry> = []
    for (const key of place.sorted) {
      const object = key.startsWith(prefix) ? place.held.get(key) : undefined
      if (object !== undefined) found.push({ key, object })
    }
    return found
  }

  const since = (store: string, from: number): ReadonlyArray<Change> | undefined => {
    const { history, floor } = shelf(store)
    if (from < floor) return undefined
    const first = history.findIndex((change) => change.revision > from)
    return first < 0 ? [] : history.slice(first)
  }

  const listAt = (store: string, prefix: string, wanted: number): ReadonlyArray<Entry> | undefined => {
    const changes = since(store, wanted)
    if (changes === undefined || changes.length === 0) return changes && list(store, prefix)
    const held = new Map(shelf(store).held)
    for (const change of changes.toReversed()) {
      if (change.previous === undefined) held.delete(change.key)
      else held.set(change.key, change.previous)
    }
    return [...held]
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, object]) => ({ key, object }))
      .toSorted((a, b) => compare(a.key, b.key))
  }

  for (const { store, floor, entries, history } of options.from?.stores ?? []) {
    const place = shelf(store)
    place.floor = floor
    place.history = history.map((change) => ({ ...change, previous: change.previous, lines: new Map() }))
    for (const { key, object } of entries) {
      place.held.set(key, object)
      index({ store, key }, undefined, object)
    }
  }

  return {
    snapshot: () => ({
      revision,
      stores: [...shelves].map(([store, { held, floor, history }]) => ({
        store,
        floor,
        entries: [...held].map(([key, object]) => ({ key, object })),
        history: history.map(({ type, key, revision, object, previous }) => ({
          type,
          store,
          key,
          revision,
          object,
          ...(previous !== undefined && { previous })
        }))
      }))
    }),
    revision: () => revision,
    get: (store, key) => shelf(store).held.get(key),
    put,
    remove,
    list,
    listAt,
    since,
    oldest: (store) => shelf(store).floor,
    open: (store) => {
      shelf(store)
    },
    compact: () => {
      for (const place of shelves.values()) {
        place.history = []
        place.floor = revision
      }
    },
    locate: (uid) => located.get(uid),
    dependents: (uid) => [...(owned.get(uid)?.values() ?? [])],
    follow: (store, listener) => {
      const listeners = store === "" ? everyone : shelf(store).listeners
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    }
  }
}
