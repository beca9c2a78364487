/** The smallest RFC 7386 merge patch between two JSON values: pure. */
import type { Json } from "../../schemas/kube/Patch.ts"

type JsonObject = { readonly [key: string]: Json }

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Own properties alone: "__proto__" is a name like any other in JSON. */
const lookup = (object: JsonObject, key: string): Json | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined

const fromEntries = (entries: Iterable<readonly [string, Json]>): JsonObject => Object.fromEntries(entries)

/** Absent and undefined are one thing; the order of keys is none. */
export const equal = (a: Json | undefined, b: Json | undefined): boolean => {
  if (isObject(a) && isObject(b)) {
    return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => equal(lookup(a, key), lookup(b, key)))
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => equal(item, b[index]))
  }
  return a === b
}

/**
 * What a merge patch can store of a value: within objects null means removal, so members that are null (or undefined) are left
 * out. Lists are stored as they are.
 */
export const storable = (value: Json): Json =>
  isObject(value)
    ? fromEntries(
        Object.entries(value)
          .filter(([, member]) => member !== null && member !== undefined)
          .map(([key, member]) => [key, storable(member)])
      )
    : value

const between = (current: Json | undefined, wanted: Json | undefined): Json | undefined => {
  if (equal(current, wanted)) return undefined
  if (wanted === undefined) return null
  if (!isObject(current) || !isObject(wanted)) return wanted
  return fromEntries(
    [...new Set([...Object.keys(current), ...Object.keys(wanted)])].flatMap((key) => {
      const patch = between(lookup(current, key), lookup(wanted, key))
      return patch === undefined ? [] : [[key, patch] as const]
    })
  )
}

const present = (value: Json | undefined): Json | undefined =>
  value === undefined || value === null ? undefined : storable(value)

/**
 * The patch that makes `desired` of `current`, undefined when they are equal; null and undefined are absence. Members that
 * `desired` lacks are removed by null. `apply(current, diff(current, desired))` is `storable(desired)`.
 */
export const diff = (current: Json | undefined, desired: Json | undefined): Json | undefined =>
  between(present(current), present(desired))

/** RFC 7386 §2, as an API server applies it. */
export const apply = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const result = new Map<string, Json>(isObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, apply(result.get(key), value))
  }
  return fromEntries(result)
}
