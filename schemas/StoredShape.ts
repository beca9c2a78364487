/** Objects as older versions stored them, brought to the shape that our schemas decode (checklist 3). */
import type { Structural } from "./Structural.ts"

type Fields = { readonly [key: string]: unknown }

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const zeroQuantity = /^[+-]?0*\.?0*([KMGTPE]i|[numkMGTPE])?$/u

/**
 * The predecessor stored zero values for what nobody set: null, "", 0 and a zero quantity in an optional field mean that it
 * is absent. A schema whose minimum admits 0 says that 0 is a value there; booleans are always values.
 */
const isUnset = (value: unknown, schema: Structural): boolean => {
  if (value === null || value === "") return true
  if (schema["x-kubernetes-int-or-string"] === true) {
    return value === 0 || (typeof value === "string" && zeroQuantity.test(value))
  }
  return value === 0 && schema.type === "integer" && (schema.minimum === undefined || schema.minimum > 0)
}

const fields = (value: Fields, schema: Structural): Fields => {
  const required = new Set(schema.required)
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, child]) => {
      const field = schema.properties?.[name]
      if (field === undefined) return schema.properties === undefined ? [[name, child]] : []
      return !required.has(name) && isUnset(child, field) ? [] : [[name, normalise(child, field)]]
    })
  )
}

/** `value` without the zero values and unknown fields of older versions; anything of an unexpected type stays for the decoder to name. */
export const normalise = (value: unknown, schema: Structural): unknown => {
  if (Array.isArray(value)) {
    const items = schema.items
    return items === undefined ? value : value.map((item) => normalise(item, items))
  }
  if (!isFields(value)) return value
  const values = schema.additionalProperties
  if (values !== undefined) {
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, normalise(child, values)]))
  }
  return fields(value, schema)
}
