/** The part of Kubernetes' ObjectMeta that controllers read; managedFields is dropped on purpose. */
import * as Schema from "effect/Schema"

export const OwnerReference = Schema.Struct({
  apiVersion: Schema.String,
  kind: Schema.String,
  name: Schema.String,
  uid: Schema.String,
  controller: Schema.optionalKey(Schema.Boolean),
  blockOwnerDeletion: Schema.optionalKey(Schema.Boolean)
})
export type OwnerReference = typeof OwnerReference.Type

const Strings = Schema.Record(Schema.String, Schema.String)

export const ObjectMeta = Schema.Struct({
  name: Schema.String,
  namespace: Schema.optionalKey(Schema.String),
  uid: Schema.String,
  resourceVersion: Schema.String,
  generation: Schema.optionalKey(Schema.Int),
  creationTimestamp: Schema.optionalKey(Schema.String),
  deletionTimestamp: Schema.optionalKey(Schema.String),
  labels: Schema.optionalKey(Strings),
  annotations: Schema.optionalKey(Strings),
  finalizers: Schema.optionalKey(Schema.Array(Schema.String)),
  ownerReferences: Schema.optionalKey(Schema.Array(OwnerReference))
})
export type ObjectMeta = typeof ObjectMeta.Type

/** Namespace and name; the namespace of a cluster-scoped object is "". */
export interface ObjectKey {
  readonly namespace: string
  readonly name: string
}

export const keyOf = (object: { readonly metadata: ObjectMeta }): ObjectKey => ({
  namespace: object.metadata.namespace ?? "",
  name: object.metadata.name
})

/** The owner of that kind and API group (any version): controller flags are not looked at (contract §2.1 step 3). */
export const ownerOf = (meta: ObjectMeta, group: string, kind: string): OwnerReference | undefined =>
  meta.ownerReferences?.find((owner) => owner.kind === kind && owner.apiVersion.split("/")[0] === group)
