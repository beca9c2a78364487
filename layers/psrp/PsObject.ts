/** Making and reading the objects that PSRP messages are built from. */
import type { PsDictionary, PsList, PsObject, PsValue } from "./PsValue.ts"

/** A property bag without type names, as the messages use. */
export const bag = (properties: Readonly<Record<string, PsValue>>): PsObject => ({
  _tag: "Object",
  typeNames: [],
  adapted: new Map(),
  extended: new Map(Object.entries(properties))
})

/** A value of a .NET enum: its type names, its name and its Int32. */
export const enumeration = (typeName: string, name: string, value: number): PsObject => ({
  _tag: "Object",
  typeNames: [typeName, "System.Enum", "System.ValueType", "System.Object"],
  text: name,
  value,
  adapted: new Map(),
  extended: new Map()
})

/** object[] */
export const array = (items: ReadonlyArray<PsValue>): PsList => ({
  _tag: "List",
  kind: "List",
  typeNames: ["System.Object[]", "System.Array", "System.Object"],
  items: [...items]
})

/** Hashtable with text keys. */
export const hashtable = (entries: Iterable<readonly [string, PsValue]>): PsDictionary => ({
  _tag: "Dictionary",
  typeNames: ["System.Collections.Hashtable", "System.Object"],
  entries: [...entries]
})

export const isObject = (value: PsValue | undefined): value is PsObject =>
  typeof value === "object" && value !== null && "_tag" in value && value._tag === "Object"

const insensitive = (properties: ReadonlyMap<string, PsValue>, name: string): PsValue | undefined => {
  const exact = properties.get(name)
  if (exact !== undefined) return exact
  const lower = name.toLowerCase()
  for (const [key, value] of properties) if (key.toLowerCase() === lower) return value
  return undefined
}

/** A property by name, regardless of case as in PowerShell; extended ones hide adapted ones. */
export const property = (value: PsValue | undefined, name: string): PsValue | undefined => {
  if (!isObject(value)) return undefined
  const extended = insensitive(value.extended, name)
  return extended === undefined ? insensitive(value.adapted, name) : extended
}

/** The value itself where an object only wraps it (enums, decorated primitives). */
export const unwrap = (value: PsValue | undefined): PsValue | undefined =>
  isObject(value) && value.value !== undefined ? value.value : value

/** A string, a scalar's text, or an object's ToString. */
export const textOf = (value: PsValue | undefined): string | undefined => {
  if (value === undefined || value === null) return undefined
  if (typeof value === "string") return value
  if (typeof value === "boolean") return value ? "True" : "False"
  if (typeof value !== "object") return String(value)
  if (value instanceof Uint8Array) return undefined
  if (value._tag === "Scalar") return value.text
  if (value._tag !== "Object") return undefined
  return value.text ?? (value.value === undefined ? undefined : textOf(value.value))
}

/** An integer of any width, also inside an enum; undefined when it is none or not safe. */
export const integerOf = (value: PsValue | undefined): number | undefined => {
  const inner = unwrap(value)
  if (typeof inner === "number") return inner
  const wide =
    typeof inner === "bigint"
      ? Number(inner)
      : inner !== null && typeof inner === "object" && "_tag" in inner && inner._tag === "Scalar"
        ? Number(inner.text)
        : undefined
  return Number.isSafeInteger(wide) ? wide : undefined
}

export const booleanOf = (value: PsValue | undefined): boolean | undefined => {
  const inner = unwrap(value)
  return typeof inner === "boolean" ? inner : undefined
}

/** The elements of any list, also a decorated one. */
export const itemsOf = (value: PsValue | undefined): ReadonlyArray<PsValue> => {
  const inner = unwrap(value)
  return inner !== null && typeof inner === "object" && "_tag" in inner && inner._tag === "List" ? inner.items : []
}

/** An entry of a dictionary by its text key, regardless of case. */
export const entry = (value: PsValue | undefined, key: string): PsValue | undefined => {
  const inner = unwrap(value)
  if (inner === null || typeof inner !== "object" || !("_tag" in inner) || inner._tag !== "Dictionary") return undefined
  const lower = key.toLowerCase()
  return inner.entries.find(([name]) => typeof name === "string" && name.toLowerCase() === lower)?.[1]
}
