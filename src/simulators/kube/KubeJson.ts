/** Untyped Kubernetes objects: plain JSON, never changed in place, with the few readers that the server needs. */
import type { Json } from "../../../schemas/kube/Patch.ts"

export type { Json }
export type KubeJson = { readonly [key: string]: Json }

export const isObject = (value: Json | undefined): value is KubeJson =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export const isArray = (value: Json | undefined): value is ReadonlyArray<Json> => Array.isArray(value)

/** The value under a path of field names; undefined when anything on the way is missing. */
export const at = (value: Json | undefined, ...path: ReadonlyArray<string>): Json | undefined => {
  let current = value
  for (const field of path) {
    if (!isObject(current)) return undefined
    current = Object.hasOwn(current, field) ? current[field] : undefined
  }
  return current
}

/** The text under a path; "" when it is missing or no text. */
export const text = (value: Json | undefined, ...path: ReadonlyArray<string>): string => {
  const found = at(value, ...path)
  return typeof found === "string" ? found : ""
}

/** The objects of the list under a path. */
export const objects = (value: Json | undefined, ...path: ReadonlyArray<string>): ReadonlyArray<KubeJson> => {
  const found = at(value, ...path)
  return isArray(found) ? found.filter(isObject) : []
}

/** The texts of the list under a path. */
export const strings = (value: Json | undefined, ...path: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found = at(value, ...path)
  return isArray(found) ? found.filter((item) => typeof item === "string") : []
}

/** The map of texts under a path (labels, annotations, data). */
export const textMap = (value: Json | undefined, ...path: ReadonlyArray<string>): Readonly<Record<string, string>> => {
  const found = at(value, ...path)
  if (!isObject(found)) return {}
  return Object.fromEntries(
    Object.entries(found).filter((entry): entry is [string, string] => typeof entry[1] === "string")
  )
}

/** `object` with the given fields set, or removed where undefined. */
export const assign = (object: KubeJson, fields: { readonly [key: string]: Json | undefined }): KubeJson => {
  const result: Record<string, Json> = { ...object }
  for (const [field, value] of Object.entries(fields)) {
    if (value === undefined) delete result[field]
    else result[field] = value
  }
  return result
}

export const metadata = (object: KubeJson): KubeJson => {
  const found = object["metadata"]
  return isObject(found) ? found : {}
}

export const withMetadata = (object: KubeJson, fields: { readonly [key: string]: Json | undefined }): KubeJson => ({
  ...object,
  metadata: assign(metadata(object), fields)
})

/** Equality of JSON values: the order of fields does not matter, that of list items does. */
export const equals = (a: Json | undefined, b: Json | undefined): boolean => {
  if (a === b) return true
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, index) => equals(item, b[index]))
  if (isObject(a) && isObject(b)) {
    const fields = Object.keys(a)
    return (
      fields.length === Object.keys(b).length &&
      fields.every((field) => Object.hasOwn(b, field) && equals(a[field], b[field]))
    )
  }
  return false
}
