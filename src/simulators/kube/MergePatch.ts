/** RFC 7386 JSON merge patches. */
import { isObject, type Json } from "./KubeJson.ts"

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
