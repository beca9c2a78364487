/** Reads objects of the server's own kinds as Go's decoder reads them into structs: unknown fields dropped, ill-typed ones refused. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { unmarshalFault } from "./GoJson.ts"
import { at, isArray, isObject, text, type Json, type KubeJson } from "./KubeJson.ts"

/** A value that its field cannot take, in the decoder's words. */
export class IllTyped {
  readonly fault: string
  constructor(fault: string) {
    this.fault = fault
  }
}

export interface Decoded {
  readonly value: Json
  /** Paths of fields that the type does not have. */
  readonly unknown: ReadonlyArray<string>
}

const prefix = "#/components/schemas/"

interface Place {
  /** For unknown fields: with indexes. */
  readonly path: string
  /** For ill-typed ones: the innermost struct, and the fields to it, without indexes. */
  readonly struct: string
  readonly fields: string
}

const join = (path: string, field: string): string => (path === "" ? field : `${path}.${field}`)

/** `io.k8s.api.core.v1.PodSpec` → PodSpec. */
const structOf = (component: string): string => component.slice(component.lastIndexOf(".") + 1)

/** Components whose JSON is not that of their fields. */
const opaque = /\.(?:FieldsV1|RawExtension|JSON|JSONSchemaProps\w*|IntOrString|Quantity)$/u

/** The component that a schema refers to; "" for an inline schema. */
const componentOf = (schema: KubeJson): string => {
  const direct = text(schema, "$ref")
  if (direct !== "") return direct.slice(prefix.length)
  const all = schema["allOf"]
  return isArray(all) ? text(all[0], "$ref").slice(prefix.length) : ""
}

const goTypes: Readonly<Record<string, string>> = { string: "string", boolean: "bool", number: "float64" }

/** The Go type behind a schema, as decoding errors print it. */
const goType = (schema: KubeJson): string => {
  const component = componentOf(schema)
  if (component !== "") return `${component.split(".").at(-2) ?? ""}.${structOf(component)}`
  const { items, additionalProperties: values } = schema
  if (text(schema, "format") === "byte") return "[]uint8"
  if (isObject(items)) return `[]${goType(items)}`
  if (isObject(values)) return `map[string]${goType(values)}`
  return text(schema, "type") === "integer" ? text(schema, "format") || "int64" : (goTypes[text(schema, "type")] ?? "")
}

const isOfType = (value: Json, type: string): boolean => {
  switch (type) {
    case "object":
      return isObject(value)
    case "array":
      return isArray(value)
    case "integer":
      return typeof value === "number" && Number.isInteger(value)
    case "string":
    case "boolean":
    case "number":
      return typeof value === type
    default:
      return true
  }
}

const time = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/u

const requireFormat = (value: string, format: string) => {
  if (format === "byte" && Result.isFailure(Base64.decode(value))) {
    throw new IllTyped(`illegal base64 data at input byte ${Math.max(value.search(/[^A-Za-z0-9+/]/u), 0)}`)
  }
  if (format === "date-time" && !time.test(value)) {
    throw new IllTyped(
      `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`
    )
  }
}

/**
 * The value of a component's type. A null is absent. Throws IllTyped.
 *
 * @param schemas components by name
 * @param root what stands before the fields in the paths of faults ("metadata" for an ObjectMeta inside an object)
 */
export const decode = (schemas: KubeJson, component: string, value: Json): Decoded => {
  const unknown: Array<string> = []

  const fields = (object: KubeJson, schema: KubeJson, place: Place): Json => {
    const kept: Record<string, Json> = {}
    for (const [field, held] of Object.entries(object)) {
      const child = at(schema, "properties", field)
      const path = join(place.path, field)
      if (isObject(child)) {
        if (held !== null)
          kept[field] = read(held, child, { path, struct: place.struct, fields: join(place.fields, field) })
      } else if (schema["x-kubernetes-preserve-unknown-fields"] === true) kept[field] = held
      else unknown.push(path)
    }
    return kept
  }

  const read = (held: Json, schema: KubeJson, place: Place): Json => {
    const name = componentOf(schema)
    if (opaque.test(name)) return held
    const resolved = name === "" ? schema : schemas[name]
    // A component that is not here: nothing is known of its fields.
    if (!isObject(resolved)) return held
    if (!isOfType(held, text(resolved, "type"))) {
      throw new IllTyped(
        unmarshalFault(
          held,
          place.fields === ""
            ? `value of type ${goType(schema)}`
            : `struct field ${place.struct}.${place.fields} of type ${goType(schema)}`
        )
      )
    }
    if (typeof held === "string") {
      requireFormat(held, text(resolved, "format"))
      return held
    }
    const { items, additionalProperties: values } = resolved
    if (isArray(held)) {
      return isObject(items)
        ? held.map((item, index) =>
            item === null ? item : read(item, items, { ...place, path: `${place.path}[${index}]` })
          )
        : held
    }
    if (!isObject(held)) return held
    if (isObject(values)) {
      return Object.fromEntries(
        Object.entries(held).map(([key, item]) => [
          key,
          item === null ? zero(values) : read(item, values, { ...place, path: join(place.path, key) })
        ])
      )
    }
    return resolved["properties"] === undefined
      ? held
      : fields(held, resolved, name === "" ? place : { ...place, struct: structOf(name) })
  }

  const whole = read(value, { $ref: `${prefix}${component}` }, { path: "", struct: structOf(component), fields: "" })
  return { value: whole, unknown }
}

/** What a null in a map becomes. */
const zero = (schema: KubeJson): Json => (text(schema, "type") === "string" ? "" : null)
