/** Effect schemas as structural OpenAPI v3 schemas, the dialect of CustomResourceDefinitions. */
import * as Schema from "effect/Schema"

/** One node of a structural schema; only what this module emits. */
export interface Structural {
  readonly type?: "object" | "array" | "string" | "integer" | "number" | "boolean"
  readonly description?: string
  readonly default?: string | number | boolean
  readonly enum?: ReadonlyArray<string>
  readonly format?: string
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly minProperties?: number
  readonly items?: Structural
  readonly properties?: { readonly [name: string]: Structural }
  readonly required?: ReadonlyArray<string>
  readonly additionalProperties?: Structural
  readonly anyOf?: ReadonlyArray<{ readonly type: string }>
  readonly "x-kubernetes-int-or-string"?: true
  readonly "x-kubernetes-preserve-unknown-fields"?: true
  readonly "x-kubernetes-list-type"?: string
  readonly "x-kubernetes-list-map-keys"?: ReadonlyArray<string>
  readonly "x-kubernetes-map-type"?: string
}

/** JSON Schema as Effect emits it. */
interface Node {
  readonly [key: string]: unknown
}

/** Holds a whole structural schema: the CRD is strict where the decoder reads old shapes too. */
const overrideKey = "x-structural"

/** The CRD shows `strict` where `lenient` decodes. */
export const showing = <S extends Schema.Top>(lenient: S, strict: Schema.Top): S["Rebuild"] =>
  lenient.annotate({ [overrideKey]: structural(strict) })

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && !Array.isArray(value)
const nodes = (value: unknown): ReadonlyArray<Node> => (Array.isArray(value) ? value.filter(isNode) : [])

/** What Schema.Int adds by itself: the bounds of exact numbers. */
const safeBounds = new Set<unknown>([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER])

const scalars = [
  "type",
  "description",
  "default",
  "enum",
  "format",
  "pattern",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "minProperties",
  "required",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-preserve-unknown-fields"
] as const

/** Checks that were made beside annotations come as allOf: they are folded into one node, the outer one winning. */
const fold = (node: Node): Node => {
  const { allOf, ...rest } = node
  return Object.assign({}, ...nodes(allOf).map(fold), rest)
}

const intOrString = (node: Node): Structural => ({
  ...(typeof node["description"] === "string" && { description: node["description"] }),
  anyOf: [{ type: "integer" }, { type: "string" }],
  ...patternOf(nodes(node["anyOf"])),
  "x-kubernetes-int-or-string": true
})

const patternOf = (alternatives: ReadonlyArray<Node>): { readonly pattern?: string } => {
  const pattern = alternatives.map((it) => fold(it)["pattern"]).find((it) => typeof it === "string")
  return pattern === undefined ? {} : { pattern }
}

const children = (properties: Node): { readonly [name: string]: Structural } =>
  Object.fromEntries(
    Object.entries(properties)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, child]) => [name, rewrite(isNode(child) ? child : {}, name)])
  )

const rewrite = (raw: Node, path: string): Structural => {
  const node = fold(raw)
  if (isNode(node[overrideKey])) {
    return {
      ...node[overrideKey],
      ...(typeof node["description"] === "string" && { description: node["description"] })
    }
  }
  if (node["x-kubernetes-int-or-string"] === true) return intOrString(node)
  if (node["$ref"] !== undefined || node["anyOf"] !== undefined || node["oneOf"] !== undefined) {
    throw new Error(`${path}: a structural schema has neither references nor unions`)
  }
  const out: { [key: string]: unknown } = {}
  for (const key of scalars) {
    const value = node[key]
    if (value !== undefined && !((key === "minimum" || key === "maximum") && safeBounds.has(value))) out[key] = value
  }
  if (Array.isArray(out["required"])) out["required"] = out["required"].toSorted()
  if (isNode(node["properties"])) out["properties"] = children(node["properties"])
  if (isNode(node["additionalProperties"])) {
    out["additionalProperties"] = rewrite(node["additionalProperties"], `${path}.*`)
  }
  if (isNode(node["items"])) out["items"] = rewrite(node["items"], `${path}[]`)
  if (node["type"] === undefined) out["x-kubernetes-preserve-unknown-fields"] = true
  // Built key by key from the table above, whose names are those of Structural.
  return out as Structural
}

/** The encoded side of a schema. Throws on what a CRD cannot express: references, recursion, unions. */
export const structural = (schema: Schema.Top): Structural => {
  const { schema: root } = Schema.toJsonSchemaDocument(schema, {
    referencePolicy: () => undefined,
    includeAnnotationKey: (key) => key.startsWith("x-")
  })
  return rewrite(root, "")
}
