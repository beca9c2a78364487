/** What the real control plane's controllers do about a change: CRDs served and cleared, garbage, namespaces, accounts. */
import { unquestioned } from "./Admission.ts"
import * as CustomResources from "./CustomResources.ts"
import * as Deletions from "./Deletions.ts"
import * as GarbageCollector from "./GarbageCollector.ts"
import { keyOf } from "./Kind.ts"
import { metadata, text, type KubeJson } from "./KubeJson.ts"
import * as NamespaceLifecycle from "./NamespaceLifecycle.ts"
import { serviceAccounts } from "./ServiceAccountTokens.ts"
import type { Stamp } from "./Stamp.ts"
import type { Change } from "./Storage.ts"
import * as Writes from "./Writes.ts"

const background = { dryRun: false, propagationPolicy: "Background", uid: "", resourceVersion: "" } as const
const writeOptions = { dryRun: false, fieldValidation: "Ignore" } as const

const serve = (world: Writes.World, crd: KubeJson) => {
  for (const kind of CustomResources.kinds(crd)) {
    world.storage.open(kind.store)
    world.kinds.register(kind)
  }
}

/** Keeps the served kinds in step with the stored CRDs. */
export const followCrds = (world: Writes.World) => {
  for (const { object } of world.storage.list(CustomResources.store, "")) serve(world, object)
  return world.storage.follow(CustomResources.store, (change) => {
    world.kinds.unregister(CustomResources.instances(change.object))
    if (change.type !== "DELETED") serve(world, change.object)
  })
}

/** Establishes a new CRD; empties one that is being deleted, and lets it go when nothing is left. */
const settleCrd = (world: Writes.World, key: string, now: string) => {
  const stored = world.storage.get(CustomResources.store, key)
  if (stored === undefined) return
  if (!CustomResources.isTerminating(stored)) {
    const established = CustomResources.established(stored, now)
    if (established !== stored) world.storage.put(CustomResources.store, key, established)
    return
  }
  const kind = world.kinds.ofStore(CustomResources.instances(stored))
  const objects = () => (kind === undefined ? [] : world.storage.list(kind.store, ""))
  for (const { object } of objects()) {
    if (kind === undefined || metadata(object)["deletionTimestamp"] !== undefined) continue
    const [namespace, name] = [text(metadata(object), "namespace"), text(metadata(object), "name")]
    unquestioned(Deletions.remove(world, { kind, namespace, name, subresource: "" }, background, now))
  }
  if (objects().length === 0) {
    const left = CustomResources.cleared(stored)
    if (metadata(left)["finalizers"] === undefined) world.storage.remove(CustomResources.store, key)
    else world.storage.put(CustomResources.store, key, left)
    return
  }
  const clearing = CustomResources.clearing(stored, now)
  if (clearing !== stored) world.storage.put(CustomResources.store, key, clearing)
}

/** Every namespace has an account for those who name none. */
const provideAccount = (world: Writes.World, namespace: string, stamp: Stamp) => {
  const home = world.storage.get("/namespaces", namespace)
  if (home === undefined || metadata(home)["deletionTimestamp"] !== undefined) return
  if (world.storage.get(serviceAccounts.store, keyOf(serviceAccounts, namespace, "default")) !== undefined) return
  const object = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }
  unquestioned(Writes.create(world, serviceAccounts, namespace, { object, duplicates: [] }, writeOptions, stamp))
}

/** As much of a change as a controller looks at. */
export type Seen = Pick<Change, "type" | "store" | "key" | "object">

export const react = (world: Writes.World, change: Seen, stamp: Stamp) => {
  const { now } = stamp
  if (change.store === CustomResources.store) settleCrd(world, change.key, now)
  else if (change.type === "DELETED") {
    const kind = world.kinds.ofStore(change.store)
    const crd =
      kind?.custom === true ? world.storage.get(CustomResources.store, CustomResources.nameOf(kind)) : undefined
    if (crd !== undefined && CustomResources.isTerminating(crd)) settleCrd(world, text(metadata(crd), "name"), now)
  }
  if (change.store === "/namespaces") provideAccount(world, change.key, stamp)
  else if (change.store === serviceAccounts.store && change.type === "DELETED") {
    provideAccount(world, text(metadata(change.object), "namespace"), stamp)
  }
  GarbageCollector.react(world, change, now)
  NamespaceLifecycle.react(world, change, now)
}
