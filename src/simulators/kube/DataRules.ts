/** What holds for the data of ConfigMaps and Secrets: keys, immutability, a Secret's type. */
import * as Failure from "./Failure.ts"
import { equals, isObject, metadata, text, type KubeJson } from "./KubeJson.ts"

const keyText =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"

const keys = (object: KubeJson, field: string): ReadonlyArray<string> => {
  const found = object[field]
  return isObject(found) ? Object.keys(found).toSorted() : []
}

const wrong = (field: string, value: string, fault: string): Failure.Cause => ({
  reason: "FieldValueInvalid",
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${fault}`
})

const immutable = (field: string): Failure.Cause => ({
  reason: "FieldValueForbidden",
  field,
  message: "Forbidden: field is immutable when `immutable` is set"
})

const ofKeys = (object: KubeJson): ReadonlyArray<Failure.Cause> => {
  const binary = keys(object, "binaryData")
  const formed = (field: string) =>
    keys(object, field).flatMap((key) =>
      /^[-._a-zA-Z0-9]+$/u.test(key) ? [] : [wrong(`${field}[${key}]`, key, keyText)]
    )
  const doubled = keys(object, "data").filter((key) => binary.includes(key))
  return [
    ...formed("data"),
    ...doubled.map((key) => wrong(`data[${key}]`, key, "duplicate of key present in binaryData")),
    ...formed("binaryData")
  ]
}

const ofChange = (object: KubeJson, stored: KubeJson): ReadonlyArray<Failure.Cause> => {
  const retyped =
    stored["type"] === undefined || text(object, "type") === text(stored, "type")
      ? []
      : [wrong("type", text(object, "type"), "field is immutable")]
  if (stored["immutable"] !== true) return retyped
  return [
    ...retyped,
    ...(object["immutable"] === true ? [] : [immutable("immutable")]),
    ...["data", "binaryData"].filter((field) => !equals(object[field], stored[field])).map(immutable)
  ]
}

/** The object as it is. Throws 422. */
export const check = (kind: "ConfigMap" | "Secret", object: KubeJson, stored: KubeJson | undefined): KubeJson => {
  const causes = [...(stored === undefined ? [] : ofChange(object, stored)), ...ofKeys(object)]
  if (causes.length > 0) throw Failure.invalid("", kind, text(metadata(object), "name"), causes)
  return object
}
