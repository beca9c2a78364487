/** The structural OpenAPI v3 schema of a custom resource, compiled from its CRD; prunes and defaults objects. */
import { at, isArray, isObject, strings, text, type Json, type KubeJson } from "./KubeJson.ts"

export interface SchemaNode {
  /** "" when the schema says none. */
  readonly type: string
  readonly format: string
  readonly nullable: boolean
  readonly intOrString: boolean
  /** x-kubernetes-preserve-unknown-fields, or additionalProperties: true. */
  readonly preserve: boolean
  /** x-kubernetes-embedded-resource: apiVersion, kind and metadata are always allowed. */
  readonly embedded: boolean
  readonly properties: ReadonlyMap<string, SchemaNode>
  readonly additional: SchemaNode | undefined
  readonly items: SchemaNode | undefined
  readonly required: ReadonlyArray<string>
  readonly default: Json | undefined
  readonly enum: ReadonlyArray<Json> | undefined
  readonly pattern: { readonly source: string; readonly test: RegExp } | undefined
  readonly listType: string
  readonly listMapKeys: ReadonlyArray<string>
  readonly limits: Limits
}

interface Limits {
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum: boolean
  readonly exclusiveMaximum: boolean
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly maxProperties?: number
}

const bounds = [
  "minimum",
  "maximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "maxProperties"
] as const

const limits = (schema: KubeJson): Limits => ({
  exclusiveMinimum: schema["exclusiveMinimum"] === true,
  exclusiveMaximum: schema["exclusiveMaximum"] === true,
  ...Object.fromEntries(bounds.flatMap((bound) => (typeof schema[bound] === "number" ? [[bound, schema[bound]]] : [])))
})

/** CRDs are written for Go's RE2: what only the lax dialect of JavaScript takes is taken, too. */
const expression = (pattern: string): RegExp => {
  try {
    return new RegExp(pattern, "u")
  } catch {
    return new RegExp(pattern, "")
  }
}

/** Throws SyntaxError for a pattern that is no regular expression. */
export const compile = (schema: Json | undefined): SchemaNode => {
  const source = isObject(schema) ? schema : {}
  const properties = source["properties"]
  const additional = source["additionalProperties"]
  const pattern = text(source, "pattern")
  return {
    type: text(source, "type"),
    format: text(source, "format"),
    nullable: source["nullable"] === true,
    intOrString: source["x-kubernetes-int-or-string"] === true,
    preserve: source["x-kubernetes-preserve-unknown-fields"] === true || additional === true,
    embedded: source["x-kubernetes-embedded-resource"] === true,
    properties: new Map(
      isObject(properties) ? Object.entries(properties).map(([field, child]) => [field, compile(child)]) : []
    ),
    additional: isObject(additional) ? compile(additional) : undefined,
    items: isObject(source["items"]) ? compile(source["items"]) : undefined,
    required: strings(source, "required"),
    default: source["default"],
    enum: isArray(source["enum"]) ? source["enum"] : undefined,
    pattern: pattern === "" ? undefined : { source: pattern, test: expression(pattern) },
    listType: text(source, "x-kubernetes-list-type"),
    listMapKeys: strings(source, "x-kubernetes-list-map-keys"),
    limits: limits(source)
  }
}

export const join = (path: string, field: string): string => (path === "" ? field : `${path}.${field}`)

const typeMeta = new Set(["apiVersion", "kind", "metadata"])

const pruneFields = (object: KubeJson, node: SchemaNode, path: string, unknown: Array<string>, root: boolean): Json => {
  const kept: Record<string, Json> = {}
  for (const [field, value] of Object.entries(object)) {
    const at = join(path, field)
    const child = node.properties.get(field) ?? node.additional
    if ((root || node.embedded) && typeMeta.has(field)) kept[field] = value
    else if (child !== undefined) kept[field] = pruneValue(value, child, at, unknown)
    else if (node.preserve) kept[field] = value
    else unknown.push(at)
  }
  return kept
}

const pruneValue = (value: Json, node: SchemaNode, path: string, unknown: Array<string>): Json => {
  const items = node.items
  if (isArray(value)) {
    return items === undefined
      ? value
      : value.map((item, index) => pruneValue(item, items, `${path}[${index}]`, unknown))
  }
  return isObject(value) ? pruneFields(value, node, path, unknown, false) : value
}

/** The object without the fields that its schema does not know, and their paths, sorted. */
export const prune = (
  object: KubeJson,
  node: SchemaNode
): { readonly object: Json; readonly unknown: ReadonlyArray<string> } => {
  const unknown: Array<string> = []
  const pruned = pruneFields(object, node, "", unknown, true)
  return { object: pruned, unknown: unknown.toSorted() }
}

/**
 * Fills in defaults. A null where null is not allowed counts as absent: it takes the default, or goes (items of lists
 * excepted).
 */
export const applyDefaults = (value: Json, node: SchemaNode): Json => {
  const { items, additional } = node
  if (isArray(value)) return items === undefined ? value : value.map((item) => applyDefaults(item, items))
  if (!isObject(value)) return value
  const result: Record<string, Json> = {}
  for (const [field, held] of Object.entries(value)) {
    const child = node.properties.get(field) ?? additional
    if (child === undefined) result[field] = held
    else if (held !== null || child.nullable) result[field] = applyDefaults(held, child)
  }
  for (const [field, child] of node.properties) {
    if (child.default !== undefined && !Object.hasOwn(result, field)) {
      result[field] = applyDefaults(child.default, child)
    }
  }
  return result
}

/** The schema below a path of properties. */
export const below = (node: SchemaNode, ...path: ReadonlyArray<string>): SchemaNode | undefined =>
  path.reduce<SchemaNode | undefined>((current, field) => current?.properties.get(field), node)

/** The items of a list of objects, by the values of the list's map keys. */
export const byMapKey = (list: ReadonlyArray<Json>, keys: ReadonlyArray<string>): ReadonlyMap<string, Json> =>
  new Map(list.map((item) => [mapKey(item, keys), item]))

/** The map key of an item, as the API server prints it. */
export const mapKey = (item: Json, keys: ReadonlyArray<string>): string =>
  JSON.stringify(Object.fromEntries(keys.toSorted().map((key) => [key, at(item, key)])))
