/** Deletion of one object or of a collection: preconditions, finalizers, propagation. Failures are thrown. */
import * as Failure from "./Failure.ts"
import { keyOf, present, type Kind } from "./Kind.ts"
import { assign, at, equals, metadata, strings, text, withMetadata, type KubeJson } from "./KubeJson.ts"
import type { DeleteOptions } from "./Options.ts"
import { isReleased, read, type Target, type World } from "./Writes.ts"

const immortal = new Set(["default", "kube-system", "kube-public", "kube-node-lease"])

const requirePreconditions = (kind: Kind, name: string, stored: KubeJson, options: DeleteOptions) => {
  const named = { ...kind, plural: kind.kind }
  const { uid, resourceVersion } = {
    uid: text(metadata(stored), "uid"),
    resourceVersion: text(metadata(stored), "resourceVersion")
  }
  if (options.uid !== "" && options.uid !== uid) {
    throw Failure.conflict(
      named,
      name,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`
    )
  }
  if (options.resourceVersion !== "" && options.resourceVersion !== resourceVersion) {
    throw Failure.conflict(
      named,
      name,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`
    )
  }
}

const collecting = ["foregroundDeletion", "orphan"]

/** The finalizers by which the garbage collector is told what to do first. */
const finalizers = (stored: KubeJson, options: DeleteOptions): ReadonlyArray<string> => {
  const held = strings(metadata(stored), "finalizers")
  const others = held.filter((finalizer) => !collecting.includes(finalizer))
  switch (options.propagationPolicy) {
    case "Foreground":
      return [...others, "foregroundDeletion"]
    case "Orphan":
      return [...others, "orphan"]
    case "Background":
      return others
    case undefined:
      return held
  }
}

/** The object marked as being deleted; an object that is so already keeps its time. */
const marked = (kind: Kind, stored: KubeJson, held: ReadonlyArray<string>, now: string): KubeJson => {
  const finalized = withMetadata(stored, { finalizers: held.length === 0 ? undefined : [...held] })
  if (metadata(stored)["deletionTimestamp"] !== undefined) return finalized
  const generation = at(stored, "metadata", "generation")
  const dated = withMetadata(finalized, {
    deletionTimestamp: now,
    ...(kind.store !== "/namespaces" && { deletionGracePeriodSeconds: 0 }),
    ...(kind.generation && { generation: (typeof generation === "number" ? generation : 0) + 1 })
  })
  return kind.store === "/namespaces" ? assign(dated, { status: { phase: "Terminating" } }) : dated
}

const success = (kind: Kind, stored: KubeJson): KubeJson => ({
  kind: "Status",
  apiVersion: "v1",
  metadata: {},
  status: "Success",
  details: {
    name: text(metadata(stored), "name"),
    ...(kind.group !== "" && { group: kind.group }),
    kind: kind.plural,
    uid: text(metadata(stored), "uid")
  }
})

/** DELETE of one object: answers the object while finalizers hold it, else a Success status. Raises 403, 404, 409. */
export const remove = (world: World, target: Target, options: DeleteOptions, now: string): KubeJson => {
  const { kind, namespace, name } = target
  const stored = read(world, target)
  requirePreconditions(kind, name, stored, options)
  if (kind.store === "/namespaces" && immortal.has(name)) {
    throw Failure.forbidden(kind, name, "this namespace may not be deleted")
  }
  const key = keyOf(kind, namespace, name)
  const next = marked(kind, stored, finalizers(stored, options), now)
  if (isReleased(kind, next)) {
    if (!options.dryRun) world.storage.remove(kind.store, key)
    return success(kind, stored)
  }
  if (options.dryRun || equals(next, stored)) return present(kind, next)
  return present(kind, world.storage.put(kind.store, key, next))
}

/** DELETE of the given objects of a kind: answers them as they were. */
export const removeAll = (
  world: World,
  kind: Kind,
  entries: ReadonlyArray<KubeJson>,
  options: DeleteOptions,
  now: string
): ReadonlyArray<KubeJson> =>
  entries.map((object) => {
    const [namespace, name] = [text(metadata(object), "namespace"), text(metadata(object), "name")]
    remove(world, { kind, namespace, name, subresource: "" }, options, now)
    return present(kind, object)
  })
