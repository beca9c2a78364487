/** What a patch of each type makes of an object. */
import type { PatchType } from "./Decode.ts"
import * as Failure from "./Failure.ts"
import { unmarshalFault } from "./GoJson.ts"
import * as JsonPatch from "./JsonPatch.ts"
import type { Kind } from "./Kind.ts"
import { isObject, type Json, type KubeJson } from "./KubeJson.ts"
import * as MergePatch from "./MergePatch.ts"
import * as StrategicMergePatch from "./StrategicMergePatch.ts"

const jsonPatched = (current: KubeJson, patch: Json): Json => {
  try {
    return JsonPatch.apply(current, patch)
  } catch (error) {
    if (error instanceof JsonPatch.Malformed) throw Failure.badRequest(`error decoding patch: ${error.text}`)
    if (error instanceof JsonPatch.Inapplicable) throw Failure.unprocessable
    throw error
  }
}

const requireObject = (patch: Json, context: string): KubeJson => {
  if (isObject(patch)) return patch
  throw Failure.badRequest(`${context}${unmarshalFault(patch, "value of type map[string]interface {}")}`)
}

/** Throws 400, 422, 500 (strategic patches that mean nothing), 501 (server-side apply). */
export const apply = (kind: Kind, current: KubeJson, type: PatchType, patch: Json): Json => {
  switch (type) {
    case "json":
      return jsonPatched(current, patch)
    case "apply":
      throw Failure.notImplemented("server-side apply is not served here: use a merge or JSON patch")
    case "merge":
      if (patch === null) throw Failure.badRequest("Invalid JSON Patch")
      return MergePatch.apply(current, requireObject(patch, "error decoding patch: "))
    case "strategic":
      return StrategicMergePatch.apply(kind, current, requireObject(patch ?? {}, ""))
  }
}

/** Fields of JSON patch operations that mean nothing, as a strict decoder reports them. */
export const unknownFields = (patch: Json): ReadonlyArray<string> =>
  JsonPatch.unknownFields(patch).map((field) => `json patch unknown field "${field}"`)
