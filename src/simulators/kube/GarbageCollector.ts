/** Deletes what its owners left behind, and does first what a foreground or orphaning deletion asks for. */
import { unquestioned } from "./Admission.ts"
import * as Deletions from "./Deletions.ts"
import { metadata, objects, strings, text, withMetadata, type KubeJson } from "./KubeJson.ts"
import type { Change, Location } from "./Storage.ts"
import { isReleased, type World } from "./Writes.ts"

const background: Parameters<typeof Deletions.remove>[2] = {
  dryRun: false,
  propagationPolicy: "Background",
  uid: "",
  resourceVersion: ""
}

const owners = (object: KubeJson): ReadonlyArray<KubeJson> => objects(metadata(object), "ownerReferences")

const isDeleting = (object: KubeJson): boolean => metadata(object)["deletionTimestamp"] !== undefined

/** An owner counts when it has the uid, kind and name of the reference and is cluster-scoped or in the same namespace. */
const exists = (world: World, owner: KubeJson, namespace: string): boolean => {
  const location = world.storage.locate(text(owner, "uid"))
  const found = location && world.storage.get(location.store, location.key)
  if (found === undefined) return false
  const home = text(metadata(found), "namespace")
  return (
    found["kind"] === owner["kind"] &&
    text(metadata(found), "name") === text(owner, "name") &&
    (home === "" || home === namespace)
  )
}

const store = (world: World, location: Location, object: KubeJson) => {
  const kind = world.kinds.ofStore(location.store)
  if (kind !== undefined && isDeleting(object) && isReleased(kind, object)) {
    world.storage.remove(location.store, location.key)
  } else world.storage.put(location.store, location.key, object)
}

const remove = (world: World, location: Location, object: KubeJson, now: string) => {
  const kind = world.kinds.ofStore(location.store)
  if (kind === undefined) return
  const [namespace, name] = [text(metadata(object), "namespace"), text(metadata(object), "name")]
  unquestioned(Deletions.remove(world, { kind, namespace, name, subresource: "" }, background, now))
}

const withoutOwners = (object: KubeJson, gone: (owner: KubeJson) => boolean): KubeJson => {
  const left = owners(object).filter((owner) => !gone(owner))
  return withMetadata(object, { ownerReferences: left.length === 0 ? undefined : left })
}

/** Deletes an object none of whose owners exist; drops the references to absent owners when others do. */
const judge = (world: World, location: Location, now: string) => {
  const object = world.storage.get(location.store, location.key)
  if (object === undefined || isDeleting(object)) return
  const namespace = text(metadata(object), "namespace")
  const named = owners(object)
  const absent = new Set(named.filter((owner) => !exists(world, owner, namespace)))
  if (absent.size === 0) return
  if (absent.size === named.length) remove(world, location, object, now)
  else
    store(
      world,
      location,
      withoutOwners(object, (owner) => absent.has(owner))
    )
}

const withoutFinalizer = (object: KubeJson, finalizer: string): KubeJson => {
  const left = strings(metadata(object), "finalizers").filter((held) => held !== finalizer)
  return withMetadata(object, { finalizers: left.length === 0 ? undefined : left })
}

const dependentsOf = (world: World, uid: string): ReadonlyArray<{ location: Location; object: KubeJson }> =>
  world.storage.dependents(uid).flatMap((location) => {
    const object = world.storage.get(location.store, location.key)
    return object === undefined ? [] : [{ location, object }]
  })

/** A deletion that waits for the collector: orphans its dependents, or deletes them and waits for those that block. */
const release = (world: World, location: Location, now: string) => {
  const object = world.storage.get(location.store, location.key)
  if (object === undefined || !isDeleting(object)) return
  const uid = text(metadata(object), "uid")
  const asked = strings(metadata(object), "finalizers")
  if (asked.includes("orphan")) {
    for (const dependent of dependentsOf(world, uid)) {
      store(
        world,
        dependent.location,
        withoutOwners(dependent.object, (owner) => text(owner, "uid") === uid)
      )
    }
    store(world, location, withoutFinalizer(object, "orphan"))
  } else if (asked.includes("foregroundDeletion")) {
    for (const dependent of dependentsOf(world, uid)) {
      if (!isDeleting(dependent.object)) remove(world, dependent.location, dependent.object, now)
    }
    const blocked = dependentsOf(world, uid).some(({ object }) =>
      owners(object).some((owner) => text(owner, "uid") === uid && owner["blockOwnerDeletion"] === true)
    )
    if (!blocked) store(world, location, withoutFinalizer(object, "foregroundDeletion"))
  }
}

/** What a change means for owners and dependents. */
export const react = (world: World, change: Pick<Change, "type" | "store" | "key" | "object">, now: string) => {
  if (change.type === "DELETED") {
    const uid = text(metadata(change.object), "uid")
    for (const location of world.storage.dependents(uid)) judge(world, location, now)
    for (const owner of owners(change.object)) {
      const location = world.storage.locate(text(owner, "uid"))
      if (location !== undefined) release(world, location, now)
    }
    return
  }
  if (owners(change.object).length > 0) judge(world, change, now)
  if (isDeleting(change.object)) release(world, change, now)
}
