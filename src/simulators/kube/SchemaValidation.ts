/** Holds a custom resource against its structural schema and says what is wrong in the words of the real API server. */
import type { Cause } from "./Failure.ts"
import { equals, isArray, isObject, type Json, type KubeJson } from "./KubeJson.ts"
import { byMapKey, join, mapKey, type SchemaNode } from "./StructuralSchema.ts"

const typeOf = (value: Json): string => {
  if (value === null) return "null"
  if (isArray(value)) return "array"
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "number"
  return typeof value
}

const hasType = (value: Json, type: string): boolean =>
  type === "" || typeOf(value) === type || (type === "number" && typeof value === "number")

const print = (value: Json): string => JSON.stringify(value)

const formats: Readonly<Record<string, RegExp>> = {
  "date-time": /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/u,
  date: /^\d{4}-\d{2}-\d{2}$/u,
  uuid: /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/iu,
  ipv4: /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/u,
  ipv6: /^[0-9a-f:.]*:[0-9a-f:.]*$/iu,
  byte: /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/u
}

interface Place {
  readonly path: string
  /** The path as texts name it: the real server drops "status." where it validates a status alone. */
  readonly spoken: string
}

const child = (place: Place, field: string): Place => ({
  path: join(place.path, field),
  spoken: join(place.spoken, field)
})

const item = (place: Place, index: number): Place => ({
  path: `${place.path}[${index}]`,
  spoken: `${place.spoken}[${index}]`
})

const wrong = (place: Place, value: Json, text: string): Cause => ({
  reason: "FieldValueInvalid",
  field: place.path,
  message: `Invalid value: ${print(value)}: ${place.spoken} in body ${text}`
})

const illTyped = (place: Place, found: string, wanted: string): Cause => ({
  reason: "FieldValueTypeInvalid",
  field: place.path,
  message: `Invalid value: "${found}": ${place.spoken} in body must be of type ${wanted}: "${found}"`
})

/** Without a field of its own in the real server, too. */
const unformatted = (place: Place, wanted: string): Cause => ({
  reason: "FieldValueInvalid",
  field: "<nil>",
  message: `Invalid value: "": Checked value must be of type ${wanted} in ${place.spoken}`
})

const tooMany = (place: Place, count: number, limit: number): Cause => ({
  reason: "FieldValueTooMany",
  field: place.path,
  message: `Too many: ${count}: must have at most ${limit} items`
})

const ofType = (value: Json, node: SchemaNode, place: Place): ReadonlyArray<Cause> => {
  if (node.intOrString) {
    return hasType(value, "integer") || typeof value === "string"
      ? []
      : [illTyped(place, typeOf(value), "integer,string")]
  }
  if (hasType(value, node.type)) return []
  return [
    illTyped(place, typeOf(value), node.type),
    ...(node.type === "integer" && typeof value === "number" ? [unformatted(place, "integer (default format)")] : [])
  ]
}

const ofEnum = (value: Json, node: SchemaNode, place: Place): ReadonlyArray<Cause> =>
  node.enum === undefined || node.enum.some((allowed) => equals(allowed, value))
    ? []
    : [
        {
          reason: "FieldValueNotSupported",
          field: place.path,
          message: `Unsupported value: ${print(value)}: supported values: ${node.enum.map(print).join(", ")}`
        }
      ]

const ofNumber = (value: number, node: SchemaNode, place: Place): ReadonlyArray<Cause> => {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = node.limits
  const causes: Array<Cause> = []
  if (node.format === "int32" && Math.trunc(value) !== Math.trunc(value | 0)) {
    causes.push(unformatted(place, "integer with format int32"))
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    causes.push(wrong(place, value, `should be a multiple of ${multipleOf}`))
  }
  if (maximum !== undefined && (value > maximum || (exclusiveMaximum && value === maximum))) {
    causes.push(wrong(place, value, `should be less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`))
  }
  if (minimum !== undefined && (value < minimum || (exclusiveMinimum && value === minimum))) {
    causes.push(wrong(place, value, `should be greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`))
  }
  return causes
}

/** The first fault alone, as the real server reports it. */
const ofString = (value: string, node: SchemaNode, place: Place): ReadonlyArray<Cause> => {
  const { minLength, maxLength } = node.limits
  const length = [...value].length
  if (maxLength !== undefined && length > maxLength) {
    return [
      { reason: "FieldValueTooLong", field: place.path, message: `Too long: may not be more than ${maxLength} bytes` }
    ]
  }
  if (minLength !== undefined && length < minLength) {
    return [wrong(place, value, `should be at least ${minLength} chars long`)]
  }
  if (node.pattern !== undefined && !node.pattern.test.test(value)) {
    return [wrong(place, value, `should match '${node.pattern.source}'`)]
  }
  const format = Object.hasOwn(formats, node.format) ? formats[node.format] : undefined
  return format === undefined || format.test(value) ? [] : [illTyped(place, value, node.format)]
}

/** The first repetition of each value or map key. */
const duplicates = (list: ReadonlyArray<Json>, node: SchemaNode, place: Place): ReadonlyArray<Cause> => {
  if (node.listType !== "set" && node.listType !== "map") return []
  const seen = new Map<string, number>()
  return list.flatMap((value, index): ReadonlyArray<Cause> => {
    const key = node.listType === "set" ? print(value) : mapKey(value, node.listMapKeys)
    const times = (seen.get(key) ?? 0) + 1
    seen.set(key, times)
    return times === 2
      ? [{ reason: "FieldValueDuplicate", field: item(place, index).path, message: `Duplicate value: ${key}` }]
      : []
  })
}

const ofList = (
  list: ReadonlyArray<Json>,
  node: SchemaNode,
  place: Place,
  old: Json | undefined
): ReadonlyArray<Cause> => {
  const { minItems, maxItems } = node.limits
  const { items, listMapKeys } = node
  const held = isArray(old) && node.listType === "map" ? byMapKey(old, listMapKeys) : undefined
  return [
    ...(items === undefined
      ? []
      : list.flatMap((value, index) =>
          validate(value, items, item(place, index), held?.get(mapKey(value, listMapKeys)))
        )),
    ...(maxItems !== undefined && list.length > maxItems ? [tooMany(place, list.length, maxItems)] : []),
    ...(minItems !== undefined && list.length < minItems
      ? [wrong(place, list.length, `should have at least ${minItems} items`)]
      : []),
    ...duplicates(list, node, place)
  ]
}

const ofFields = (object: KubeJson, node: SchemaNode, place: Place, old: Json | undefined): ReadonlyArray<Cause> => {
  const { minProperties, maxProperties } = node.limits
  const count = Object.keys(object).length
  return [
    ...(maxProperties !== undefined && count > maxProperties ? [tooMany(place, count, maxProperties)] : []),
    ...(minProperties !== undefined && count < minProperties
      ? [wrong(place, count, `should have at least ${minProperties} properties`)]
      : []),
    ...node.required
      .filter((field) => !Object.hasOwn(object, field))
      .map((field): Cause => ({
        reason: "FieldValueRequired",
        field: child(place, field).path,
        message: "Required value"
      })),
    ...Object.entries(object).flatMap(([field, value]) => {
      const schema = node.properties.get(field) ?? node.additional
      return schema === undefined
        ? []
        : validate(value, schema, child(place, field), isObject(old) ? old[field] : undefined)
    })
  ]
}

const validate = (value: Json, node: SchemaNode, place: Place, old: Json | undefined): ReadonlyArray<Cause> => {
  if (old !== undefined && equals(value, old)) return []
  if (value === null && node.nullable) return []
  const types = ofType(value, node, place)
  const enums = ofEnum(value, node, place)
  if (types.length > 0) return [...types, ...enums]
  if (typeof value === "number") return [...ofNumber(value, node, place), ...enums]
  if (typeof value === "string") return [...ofString(value, node, place), ...enums]
  if (isArray(value)) return [...ofList(value, node, place, old), ...enums]
  if (isObject(value)) return [...ofFields(value, node, place, old), ...enums]
  return enums
}

/**
 * What is wrong with an object. Whatever equals its part of `old` is not looked at again (ratcheting), so stored
 * objects stay writable when their schema became stricter.
 *
 * @param only validates one field at the root ("status" for the status subresource)
 */
export const causes = (object: KubeJson, node: SchemaNode, old?: KubeJson, only?: "status"): ReadonlyArray<Cause> => {
  if (only === undefined) return validate(object, node, { path: "", spoken: "" }, old)
  const [schema, value] = [node.properties.get(only), object[only]]
  return schema === undefined || value === undefined
    ? []
    : validate(value, schema, { path: only, spoken: "" }, old?.[only])
}
