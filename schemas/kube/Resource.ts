/** The typed descriptor of one API kind: codec, REST path and names derive from it. */
import type * as Schema from "effect/Schema"
import type { ObjectKey, ObjectMeta } from "./ObjectMeta.ts"

export interface KubeObject {
  readonly metadata: ObjectMeta
}

export interface Resource<A extends KubeObject> {
  /** "" is the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
  /** Decodes what the API server answers; unknown fields are dropped, so a decoded object is never written back (D8). */
  readonly schema: Schema.Codec<A, unknown>
}

/** A kind whose status is written apart from the rest. */
export interface StatusResource<A extends KubeObject & { readonly status?: unknown }> extends Resource<A> {
  /** The status alone, of an object that was decoded. */
  readonly statusSchema: Schema.Codec<NonNullable<A["status"]>, unknown>
}

export const apiVersion = (resource: { readonly group: string; readonly version: string }): string =>
  resource.group === "" ? resource.version : `${resource.group}/${resource.version}`

/** The collection's path; namespace "" means all namespaces. */
export const collectionPath = <A extends KubeObject>(resource: Resource<A>, namespace: string): string => {
  const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  return resource.namespaced && namespace !== ""
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${resource.plural}`
    : `${root}/${resource.plural}`
}

export const objectPath = <A extends KubeObject>(resource: Resource<A>, key: ObjectKey): string =>
  `${collectionPath(resource, key.namespace)}/${encodeURIComponent(key.name)}`
