/** Deletion of one object or of a collection: preconditions, finalizers, propagation. Failures are thrown. */
import type { Question, Steps } from "./Admission.ts"
import * as Failure from "./Failure.ts"
import { keyOf, present, type Kind } from "./Kind.ts"
import { at, equals, metadata, strings, text, withMetadata, type KubeJson } from "./KubeJson.ts"
import type { DeleteOptions } from "./Options.ts"
import { requireCurrent } from "./Preconditions.ts"
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
  if (kind.terminating !== undefined) return kind.terminating(withMetadata(finalized, { deletionTimestamp: now }), now)
  const generation = at(stored, "metadata", "generation")
  return withMetadata(finalized, {
    deletionTimestamp: now,
    deletionGracePeriodSeconds: 0,
    ...(kind.generation && { generation: (typeof generation === "number" ? generation : 0) + 1 })
  })
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

const optionsOf = (options: DeleteOptions): KubeJson => ({
  kind: "DeleteOptions",
  apiVersion: "meta.k8s.io/v1",
  ...(options.dryRun && { dryRun: ["All"] }),
  ...(options.propagationPolicy !== undefined && { propagationPolicy: options.propagationPolicy })
})

export interface Removed {
  /** What the request is answered: the object while finalizers hold it, else a Success status. */
  readonly answer: KubeJson
  readonly status: 200 | 202
  /** Its last state. */
  readonly object: KubeJson
}

/**
 * DELETE of one object. Raises 403, 404, 409.
 *
 * @param collective as one of a collection: admission plugins are shown no name then
 */
export function* remove(
  world: World,
  target: Target,
  options: DeleteOptions,
  now: string,
  collective = false
): Steps<Removed> {
  const { kind, namespace, name } = target
  const stored = read(world, target)
  requirePreconditions(kind, name, stored, options)
  if (kind.store === "/namespaces" && immortal.has(name)) {
    throw Failure.forbidden(kind, name, "this namespace may not be deleted")
  }
  const question: Question = {
    phase: "mutating",
    operation: "DELETE",
    kind,
    subresource: "",
    namespace,
    name: collective ? "" : name,
    object: undefined,
    oldObject: present(kind, stored),
    options: optionsOf(options),
    dryRun: options.dryRun
  }
  yield question
  yield { ...question, phase: "validating" }
  const key = keyOf(kind, namespace, name)
  requireCurrent(world, kind, key, stored)
  const next = marked(kind, stored, finalizers(stored, options), now)
  if (isReleased(kind, next)) {
    const last = options.dryRun ? stored : world.storage.remove(kind.store, key)
    return { status: 200, answer: success(kind, stored), object: last ?? stored }
  }
  const object = present(kind, options.dryRun || equals(next, stored) ? next : world.storage.put(kind.store, key, next))
  return { status: options.cascades === true ? 202 : 200, answer: object, object }
}
