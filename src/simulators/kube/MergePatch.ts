/** RFC 7386 JSON merge patches. */
import { isObject, type Json, type KubeJson } from "./KubeJson.ts"

/** `target` after the patch: null removes a field, objects merge, anything else replaces. */
export const apply = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const result: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete result[field]
    else {
      Object.defineProperty(result, field, {
        value: apply(Object.hasOwn(result, field) ? result[field] : undefined, value),
        enumerable: true,
        configurable: true,
        writable: true
      })
    }
  }
  return result
}

/**
 * Whether a strategic merge patch means the same as a merge patch, whatever the kind: no list (their merge keys belong
 * to the kind) and no directive.
 */
export const isPlainStrategic = (patch: KubeJson): boolean =>
  Object.entries(patch).every(
    ([field, value]) => !field.startsWith("$") && !Array.isArray(value) && (!isObject(value) || isPlainStrategic(value))
  )
