/** Creation, update and patch of one object: the rules between a request and the storage. Failures are thrown. */
import type { Operation, Question, Steps } from "./Admission.ts"
import * as CustomResources from "./CustomResources.ts"
import * as Decode from "./Decode.ts"
import * as Failure from "./Failure.ts"
import { apiVersion, keyOf, present, type Kind } from "./Kind.ts"
import type { Kinds } from "./Kinds.ts"
import { assign, at, equals, isObject, metadata, strings, text, withMetadata, type KubeJson } from "./KubeJson.ts"
import * as MetadataRules from "./MetadataRules.ts"
import type { WriteOptions } from "./Options.ts"
import * as Patching from "./Patching.ts"
import {
  requireCurrent,
  requireIdentity,
  requireNamespace,
  requireNamespaceOf,
  requireVersion
} from "./Preconditions.ts"
import * as SchemaValidation from "./SchemaValidation.ts"
import type { Stamp } from "./Stamp.ts"
import type { Storage } from "./Storage.ts"

export interface World {
  readonly storage: Storage
  readonly kinds: Kinds
}

/** Takes what is said beside the answer, also beside that of a write that is refused later. */
export type Warn = (warnings: ReadonlyArray<string>) => void

const silent: Warn = () => undefined

/** The object that a path names. */
export interface Target {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly subresource: "" | "status"
}

const problems = (unknown: ReadonlyArray<string>, duplicates: ReadonlyArray<string>): ReadonlyArray<string> => [
  ...duplicates.map((field) => `duplicate field "${field}"`),
  ...unknown.map((field) => `unknown field "${field}"`)
]

const invalid = (kind: Kind, object: KubeJson, found: ReadonlyArray<Failure.Cause>) => {
  const causes = [...new Map(found.map((cause) => [`${cause.field}: ${cause.message}`, cause])).values()]
  if (causes.length > 0) throw Failure.invalid(kind.group, kind.kind, text(metadata(object), "name"), causes)
}

/** A body decoded under a field validation: what is unknown or doubled is refused or becomes a warning. */
const decoded = (
  kind: Kind,
  body: { readonly object: KubeJson; readonly duplicates: ReadonlyArray<string> },
  options: WriteOptions,
  warn: Warn
): KubeJson => {
  const cannot = (fault: string) =>
    Failure.badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${fault}`)
  const { object, unknown } = Decode.conform(body.object, kind, "body", cannot)
  const found = options.fieldValidation === "Ignore" ? [] : problems(unknown, body.duplicates)
  if (found.length > 0 && options.fieldValidation === "Strict")
    throw cannot(`strict decoding error: ${found.join(", ")}`)
  warn(found)
  return object
}

const prepared = (kind: Kind, object: KubeJson, stored: KubeJson | undefined): KubeJson => {
  const converted = kind.convert === undefined ? object : kind.convert.toStored(object)
  return kind.prepare === undefined ? converted : kind.prepare(converted, stored)
}

const optionsOf = (operation: Operation, { dryRun, fieldValidation }: WriteOptions): KubeJson => ({
  kind: operation === "CREATE" ? "CreateOptions" : "UpdateOptions",
  apiVersion: "meta.k8s.io/v1",
  ...(dryRun && { dryRun: ["All"] }),
  fieldValidation
})

/** Asks the mutating plugins; what they answer is held to the kind again: pruned, completed, in its namespace. */
function* mutated(question: Question): Steps<KubeJson> {
  const { kind, object, namespace } = question
  const answer = yield question
  if (answer === undefined || answer === object) return object ?? {}
  const next = Decode.conform(answer, kind, "body", Failure.internalError).object
  requireNamespaceOf(next, namespace)
  return next
}

/** Held to the rules of Kubernetes' own kinds, which those of CRDs, and CRDs themselves, are not. */
const isOwn = (kind: Kind): boolean => !kind.custom && kind.store !== CustomResources.store

/** Of a generated name, before its suffix (apiserver storage/names). */
const longestPrefix = 58

/** POST. Raises 400, 403, 404 (namespace), 409 AlreadyExists, 422. */
export function* create(
  world: World,
  kind: Kind,
  namespace: string,
  body: { readonly object: KubeJson; readonly duplicates: ReadonlyArray<string> },
  options: WriteOptions,
  stamp: Stamp,
  warn = silent
): Steps<KubeJson> {
  const object = decoded(kind, body, options, warn)
  const meta = metadata(object)
  requireNamespaceOf(object, namespace)
  if (meta["resourceVersion"] !== undefined) {
    throw Failure.internal("resourceVersion should not be set on objects to be created")
  }
  const generated = text(meta, "generateName")
  const given = text(meta, "name") || (generated === "" ? "" : `${generated.slice(0, longestPrefix)}${stamp.suffix()}`)
  requireNamespace(world, kind, namespace, text(meta, "name") || generated)
  if (kind.custom) {
    const crd = world.storage.get(CustomResources.store, CustomResources.nameOf(kind))
    CustomResources.requireServing(crd, kind, given)
  }
  const born = withMetadata(MetadataRules.fresh(object), {
    ...(kind.generation && { generation: undefined }),
    name: given === "" ? undefined : given,
    namespace: kind.namespaced ? namespace : undefined,
    uid: stamp.uid(),
    creationTimestamp: stamp.now
  })
  const question: Question = {
    phase: "mutating",
    operation: "CREATE",
    kind,
    subresource: "",
    namespace,
    name: given,
    object: born,
    oldObject: undefined,
    options: optionsOf("CREATE", options),
    dryRun: options.dryRun
  }
  const agreed = yield* mutated(question)
  const name = text(metadata(agreed), "name")
  const own = kind.custom && kind.statusSubresource ? assign(agreed, { status: undefined }) : agreed
  const complete = prepared(kind, kind.generation ? withMetadata(own, { generation: 1 }) : own, undefined)
  invalid(kind, complete, [
    ...MetadataRules.createCauses(complete),
    ...MetadataRules.causes(complete, kind.names),
    ...(isOwn(kind) ? MetadataRules.finalizerCauses(complete) : []),
    ...(kind.schema === undefined ? [] : SchemaValidation.causes(complete, kind.schema))
  ])
  warn(MetadataRules.warnings(complete, undefined))
  yield { ...question, phase: "validating", name, object: present(kind, complete) }
  const key = keyOf(kind, namespace, name)
  const held = world.storage.get(kind.store, key)
  if (held !== undefined) {
    throw Failure.alreadyExists(kind, name, metadata(held)["deletionTimestamp"] !== undefined)
  }
  return present(kind, options.dryRun ? complete : world.storage.put(kind.store, key, complete))
}

/** The stored object of a target. Throws 404. */
export const read = (world: World, target: Target): KubeJson => {
  const { kind, namespace, name } = target
  const stored = world.storage.get(kind.store, keyOf(kind, namespace, name))
  if (stored === undefined) throw Failure.notFound(kind, name)
  return stored
}

/** Whether nothing holds a deleted object any more. */
export const isReleased = (kind: Kind, object: KubeJson): boolean =>
  strings(metadata(object), "finalizers").length === 0 &&
  (kind.store !== "/namespaces" || strings(object, "spec", "finalizers").length === 0)

/** What metadata.generation counts. */
const desired = (kind: Kind, object: KubeJson): KubeJson =>
  assign(object, { metadata: undefined, ...(kind.statusSubresource && { status: undefined }) })

/** Stores the successor of an object, or removes what was only waiting for its last finalizer. */
function* replace(
  world: World,
  target: Target,
  stored: KubeJson,
  proposed: KubeJson,
  options: WriteOptions,
  warn: Warn
): Steps<KubeJson> {
  const { kind, namespace, name, subresource } = target
  const key = keyOf(kind, namespace, name)
  const question: Question = {
    phase: "mutating",
    operation: "UPDATE",
    kind,
    subresource,
    namespace,
    name,
    object: proposed,
    oldObject: present(kind, stored),
    options: optionsOf("UPDATE", options),
    dryRun: options.dryRun
  }
  const agreed = yield* mutated(question)
  requireIdentity(target, agreed)
  const shaped = subresource === "status" ? agreed : prepared(kind, agreed, stored)
  const owned: KubeJson =
    subresource === "status"
      ? assign(stored, { status: (kind.convert?.toStored(shaped) ?? shaped)["status"] })
      : assign(shaped, kind.statusSubresource ? { status: stored["status"] } : {})
  invalid(kind, owned, [
    ...(subresource === "status"
      ? []
      : [
          // First as parts of a path, then as the kind has them.
          ...MetadataRules.causes(owned, "path"),
          ...MetadataRules.updateCauses(owned, stored),
          ...(kind.custom ? [] : MetadataRules.causes(owned, kind.names)),
          ...(isOwn(kind) ? MetadataRules.finalizerCauses(owned) : [])
        ]),
    ...(kind.schema === undefined
      ? []
      : SchemaValidation.causes(owned, kind.schema, stored, subresource === "status" ? "status" : undefined))
  ])
  warn(MetadataRules.warnings(owned, stored))
  const carried = MetadataRules.carry(owned, stored)
  const generation = at(stored, "metadata", "generation")
  const next =
    kind.generation && !equals(desired(kind, carried), desired(kind, stored))
      ? withMetadata(carried, { generation: (typeof generation === "number" ? generation : 0) + 1 })
      : carried
  yield { ...question, phase: "validating", object: present(kind, next) }
  requireCurrent(world, kind, key, stored)
  if (equals(next, stored)) return stored
  if (options.dryRun) return next
  if (metadata(next)["deletionTimestamp"] !== undefined && isReleased(kind, next)) {
    world.storage.remove(kind.store, key)
    return next
  }
  return world.storage.put(kind.store, key, next)
}

/** PUT. Raises 400, 404, 409, 422. */
export function* update(
  world: World,
  target: Target,
  body: { readonly object: KubeJson; readonly duplicates: ReadonlyArray<string> },
  options: WriteOptions,
  warn = silent
): Steps<KubeJson> {
  const { kind, name } = target
  const object = decoded(kind, body, options, warn)
  requireIdentity(target, object)
  const stored = read(world, target)
  const meta = metadata(object)
  const uid = text(metadata(stored), "uid")
  if (meta["uid"] !== undefined && meta["uid"] !== uid) {
    const place = [
      options.dryRun ? "" : "/registry",
      ...(kind.custom ? [kind.group] : []),
      kind.plural,
      keyOf(kind, target.namespace, name)
    ]
    throw Failure.conflict(
      kind,
      name,
      `StorageError: invalid object, Code: 4, Key: ${place.join("/")}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${text(meta, "uid")}, UID in object meta: ${uid}`
    )
  }
  requireVersion(target, object, stored)
  return present(kind, yield* replace(world, target, stored, object, options, warn))
}

/** PATCH. Raises 400, 404, 409, 415, 422, 501 (server-side apply). */
export function* patch(
  world: World,
  target: Target,
  type: Decode.PatchType,
  body: Decode.Body,
  options: WriteOptions,
  warn = silent
): Steps<KubeJson> {
  const { kind } = target
  const stored = read(world, target)
  const current = present(kind, stored)
  const result = Patching.apply(kind, current, type, body.json)
  if (!isObject(result)) throw Failure.unprocessable
  const cannot = (fault: string) =>
    Failure.invalid("", "", "", [
      {
        reason: "FieldValueInvalid",
        field: "patch",
        message: `Invalid value: ${JSON.stringify(JSON.stringify(result))}: ${fault}`
      }
    ])
  const { object, unknown } = Decode.conform(
    { apiVersion: apiVersion(kind), kind: kind.kind, ...result },
    kind,
    "patch",
    cannot
  )
  const found =
    options.fieldValidation === "Ignore"
      ? []
      : [...(type === "json" ? Patching.unknownFields(body.json) : []), ...problems(unknown, body.duplicates)]
  if (found.length > 0 && options.fieldValidation === "Strict") {
    throw cannot(`strict decoding error: ${found.join(", ")}`)
  }
  warn(found)
  requireIdentity(target, object)
  requireVersion(target, object, stored)
  return present(kind, yield* replace(world, target, stored, object, options, warn))
}
