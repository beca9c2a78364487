/** From the bytes of a request to an object of a kind: media type, strictness, metadata of the right shape. */
import * as Yaml from "yaml"
import * as DuplicateFields from "./DuplicateFields.ts"
import { badRequest, invalid, tooLarge, unconsumed, unsupportedMediaType } from "./Failure.ts"
import * as GoJson from "./GoJson.ts"
import { apiVersion, type Kind } from "./Kind.ts"
import { isObject, metadata, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as MetadataRules from "./MetadataRules.ts"
import * as OpenApiSchemas from "./OpenApiSchemas.ts"
import * as Protobuf from "./Protobuf.ts"
import * as ProtobufKinds from "./ProtobufKinds.ts"
import { applyDefaults, prune } from "./StructuralSchema.ts"
import * as TypedFields from "./TypedFields.ts"

const limit = 3 * 1024 * 1024

/** A parsed body, and the paths of fields that it holds twice. */
export interface Body {
  readonly json: Json
  readonly duplicates: ReadonlyArray<string>
}

/** Throws 400 for what is no JSON; the reason is put where `phrase` says. */
export const parse = (source: string, phrase: (fault: string) => string): Body => {
  let json: Json
  try {
    // JSON.parse answers JSON: its type just cannot say so.
    json = JSON.parse(source) as Json
  } catch {
    throw badRequest(phrase(GoJson.syntaxFault(source)))
  }
  return { json, duplicates: DuplicateFields.find(source) }
}

const mediaType = (contentType: string): string => (contentType.split(";")[0] ?? "").trim().toLowerCase()

/** The text of a body in UTF-8. Throws 413. */
export const source = (bytes: Uint8Array): string => {
  if (bytes.length > limit) throw tooLarge(limit)
  return new TextDecoder().decode(bytes)
}

/** The beginning of a body, as the API server quotes it: what looks like JSON as it is, the rest in hex. */
const summary = (bytes: Uint8Array): string => {
  if (bytes.length === 0) return "<empty>"
  const head = Buffer.from(bytes.subarray(0, 30))
  return `${head.toString(bytes[0] === 0x7b ? "utf8" : "hex")}${bytes.length > 30 ? " ..." : ""}`
}

const typeMeta = String.raw`value of type struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }`

/** YAML 1.1 as JSON, which is what the API server makes of it first. Throws YAMLParseError. */
const yamlAsJson = (source: string): string =>
  JSON.stringify(Yaml.parse(source, { version: "1.1", uniqueKeys: false }) ?? null)

const protobuf = (bytes: Uint8Array, phrase: (fault: string) => string): KubeJson | undefined => {
  try {
    return ProtobufKinds.decode(bytes)
  } catch (error) {
    if (error instanceof Protobuf.Unreadable) throw badRequest(phrase(error.fault))
    throw error
  }
}

/** The object of a POST or PUT, in JSON, YAML, or what kubectl creates from its command line in Protocol Buffers. */
export const object = (
  bytes: Uint8Array,
  contentType: string,
  kind: Kind
): { object: KubeJson; duplicates: Body["duplicates"] } => {
  const type = mediaType(contentType)
  const unrecognized = (fault: string) =>
    `the object provided is unrecognized (must be of type ${kind.kind}): ${fault} (${summary(bytes)})`
  if (type === ProtobufKinds.mediaType && !kind.custom) {
    const sent = protobuf(bytes, unrecognized)
    if (sent !== undefined) return { object: sent, duplicates: [] }
  }
  if (!["", "application/json", "application/yaml"].includes(type)) {
    throw unsupportedMediaType(["application/json", "application/yaml"])
  }
  const undetermined = (fault: string) => unrecognized(`couldn't get version/kind; json parse error: ${fault}`)
  const written = source(bytes)
  let json = written
  if (type === "application/yaml") {
    try {
      json = yamlAsJson(written)
    } catch (error) {
      throw badRequest(unrecognized(`yaml: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
  const body = parse(json, undetermined)
  const given = body.json ?? {}
  if (!isObject(given)) throw badRequest(undetermined(GoJson.unmarshalFault(given, typeMeta)))
  for (const field of ["apiVersion", "kind"] as const) {
    const held = given[field]
    if (held === undefined || held === null || typeof held === "string") continue
    throw badRequest(undetermined(GoJson.unmarshalFault(held, `struct field .${field} of type string`)))
  }
  if (kind.custom && text(given, "kind") === "") {
    throw badRequest(unrecognized(`Object 'Kind' is missing in '${written}'`))
  }
  return { object: given, duplicates: body.duplicates }
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
  throw kind.custom
    ? unsupportedMediaType([
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/apply-patch+yaml"
      ])
    : unconsumed
}

const mustBe = (kind: Kind, object: KubeJson, field: string, found: string, wanted: string): Error =>
  invalid(kind.group, kind.kind, text(metadata(object), "name"), [
    { reason: "FieldValueInvalid", field, message: `Invalid value: "${found}": must be ${wanted}` }
  ])

/** The object under its own apiVersion and kind; the server's own kinds may leave both out, and a patch of them says nothing of them. */
const typed = (object: KubeJson, kind: Kind, from: "body" | "patch"): KubeJson => {
  const wanted = apiVersion(kind)
  const declared = { ...object, apiVersion: wanted, kind: kind.kind }
  const version = text(object, "apiVersion") || (kind.custom ? "" : wanted)
  const name = text(object, "kind") || (kind.custom ? "" : kind.kind)
  if (!kind.custom) {
    if (from === "patch" || (version === wanted && name === kind.kind)) return declared
    throw badRequest(
      `${name} in version "${version.split("/").at(-1)}" cannot be handled as a ${kind.kind}: no kind "${name}" is registered for version "${version}" in scheme "pkg/runtime/scheme.go:111"`
    )
  }
  if (name === "") {
    throw badRequest(`the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing`)
  }
  if (version !== wanted) {
    throw from === "body"
      ? badRequest(`the API version in the data (${version}) does not match the expected API version (${wanted})`)
      : mustBe({ ...kind, group: version.split("/")[0] ?? "" }, object, "apiVersion", version, wanted)
  }
  if (name !== kind.kind) throw mustBe({ ...kind, kind: name }, object, "kind", name, kind.kind)
  return declared
}

/** What a kind's schema, or the type behind one of the server's own kinds, leaves of an object. Throws IllTyped. */
const known = (object: KubeJson, kind: Kind): TypedFields.Decoded => {
  if (!kind.custom) return OpenApiSchemas.decode(kind, object)
  const meta = OpenApiSchemas.decodeMetadata(object["metadata"] ?? {})
  const pruned = kind.schema === undefined ? { object, unknown: [] } : prune(object, kind.schema)
  const kept = kind.schema === undefined ? object : applyDefaults(pruned.object, kind.schema)
  return {
    value: { ...(isObject(kept) ? kept : {}), metadata: meta.value },
    unknown: [...meta.unknown.map((field) => `metadata.${field}`), ...pruned.unknown]
  }
}

/**
 * An object as its kind can store it: unknown fields gone and reported, defaults filled in, metadata tidied.
 * `illTyped` says how a value of a wrong type is refused (differently for bodies and for patched objects).
 */
export const conform = (
  object: KubeJson,
  kind: Kind,
  from: "body" | "patch",
  illTyped: (fault: string) => Error
): { readonly object: KubeJson; readonly unknown: ReadonlyArray<string> } => {
  const declared = typed(object, kind, from)
  try {
    const { value, unknown } = known(declared, kind)
    return { object: MetadataRules.normalise(isObject(value) ? value : {}), unknown }
  } catch (error) {
    if (error instanceof TypedFields.IllTyped) throw illTyped(error.fault)
    throw error
  }
}
