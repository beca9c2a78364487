/** From the bytes of a request to an object of a kind: media type, strictness, metadata of the right shape. */
import * as Yaml from "yaml"
import * as DuplicateFields from "./DuplicateFields.ts"
import { badRequest, invalid, tooLarge, unsupportedMediaType } from "./Failure.ts"
import { apiVersion, type Kind } from "./Kind.ts"
import { isObject, metadata, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as MetadataRules from "./MetadataRules.ts"
import { causes } from "./SchemaValidation.ts"
import { applyDefaults, prune } from "./StructuralSchema.ts"

const limit = 3 * 1024 * 1024

/** A parsed body, and the paths of fields that it holds twice. */
export interface Body {
  readonly json: Json
  readonly duplicates: ReadonlyArray<string>
}

/** Why a text is no JSON, in the words of Go's decoder. */
const parseFault = (source: string): string =>
  source === "" || /^[[{]?\s*$/u.test(source) ? "unexpected end of JSON input" : "invalid JSON"

/** Throws 400 for what is no JSON; the reason is put where `phrase` says. */
export const parse = (source: string, phrase: (fault: string) => string): Body => {
  let json: Json
  try {
    // JSON.parse answers JSON: its type just cannot say so.
    json = JSON.parse(source) as Json
  } catch {
    throw badRequest(phrase(parseFault(source)))
  }
  return { json, duplicates: DuplicateFields.find(source) }
}

const mediaType = (contentType: string): string => (contentType.split(";")[0] ?? "").trim().toLowerCase()

/** The text of a body in UTF-8. Throws 413. */
export const source = (bytes: Uint8Array): string => {
  if (bytes.length > limit) throw tooLarge(limit)
  return new TextDecoder().decode(bytes)
}

/** The object of a POST or PUT, in JSON or YAML. */
export const object = (
  bytes: Uint8Array,
  contentType: string,
  kind: Kind
): { object: KubeJson; duplicates: Body["duplicates"] } => {
  const type = mediaType(contentType)
  const unrecognized = (fault: string) =>
    `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${fault}`
  if (!["", "application/json", "application/yaml"].includes(type)) {
    throw unsupportedMediaType(["application/json", "application/yaml"])
  }
  const written = source(bytes)
  const json = type === "application/yaml" ? JSON.stringify(Yaml.parse(written)) : written
  const body = parse(json, (fault) => unrecognized(`${fault} (${written === "" ? "<empty>" : written.slice(0, 40)})`))
  if (!isObject(body.json)) throw badRequest(unrecognized("json: cannot unmarshal into an object"))
  return { object: body.json, duplicates: body.duplicates }
}

export type PatchType = "merge" | "json" | "strategic" | "apply"

export const patchType = (contentType: string, kind: Kind): PatchType => {
  switch (mediaType(contentType)) {
    case "application/merge-patch+json":
      return "merge"
    case "application/json-patch+json":
      return "json"
    case "application/apply-patch+yaml":
      return "apply"
    case "application/strategic-merge-patch+json":
      if (!kind.custom) return "strategic"
  }
  throw unsupportedMediaType([
    "application/json-patch+json",
    "application/merge-patch+json",
    ...(kind.custom ? [] : ["application/strategic-merge-patch+json"]),
    "application/apply-patch+yaml"
  ])
}

const mustBe = (kind: Kind, object: KubeJson, field: string, found: string, wanted: string): Error =>
  invalid(kind.group, kind.kind, text(metadata(object), "name"), [
    { reason: "FieldValueInvalid", field, message: `Invalid value: "${found}": must be ${wanted}` }
  ])

/** The object under its own apiVersion and kind; built-in kinds may leave both out. */
const typed = (object: KubeJson, kind: Kind, from: "body" | "patch"): KubeJson => {
  const wanted = apiVersion(kind)
  const { apiVersion: version = kind.custom ? "" : wanted, kind: name = kind.custom ? "" : kind.kind } = object
  if (name === "") {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing`)
  }
  if (version !== wanted) {
    throw from === "body"
      ? badRequest(
          `the API version in the data (${String(version)}) does not match the expected API version (${wanted})`
        )
      : mustBe(kind, object, "apiVersion", String(version), wanted)
  }
  if (name !== kind.kind) {
    throw mustBe({ ...kind, kind: String(name) }, object, "kind", String(name), kind.kind)
  }
  return { ...object, apiVersion: wanted, kind: kind.kind }
}

/**
 * An object as its kind can store it: unknown fields gone and reported, defaults filled in, metadata tidied.
 * `illTyped` says how metadata of a wrong type is refused (differently for bodies and for patched objects).
 */
export const conform = (
  object: KubeJson,
  kind: Kind,
  from: "body" | "patch",
  illTyped: (fault: string) => Error
): { readonly object: KubeJson; readonly unknown: ReadonlyArray<string> } => {
  const declared = typed(object, kind, from)
  const meta = prune(metadata(declared), MetadataRules.schema)
  const completed = applyDefaults(meta.object, MetadataRules.schema)
  const [fault] = isObject(completed) ? causes(completed, MetadataRules.schema) : []
  if (fault !== undefined) throw illTyped(`json: metadata.${fault.field}: ${fault.message}`)
  const pruned = kind.schema === undefined ? { object: declared, unknown: [] } : prune(declared, kind.schema)
  const kept = kind.schema === undefined ? pruned.object : applyDefaults(pruned.object, kind.schema)
  return {
    object: MetadataRules.normalise({ ...(isObject(kept) ? kept : {}), metadata: completed }),
    unknown: [...meta.unknown.map((field) => `metadata.${field}`), ...pruned.unknown]
  }
}
