/** PsValues as a wire recording shows them: whole but for secrets, with their texts left out, or as a description alone. */
import { isObject } from "./PsObject.ts"
import type { PsDictionary, PsList, PsObject, PsScalar, PsValue } from "./PsValue.ts"

/** Takes known secrets out of a text. */
export type Scrub = (text: string) => string

/** Names under which a text is a secret whoever wrote it, or may hold one: a function's definition is its source. */
const telling = /passw|secret|token|credential|api_?key|^definition$/iu

/** What no text shows: source, too, may hold secrets. */
const sealed: ReadonlySet<PsScalar["type"]> = new Set(["SecureString", "ScriptBlock"])

const described = (type: string, count: number, unit: string): string =>
  `[${type} of ${count} ${unit}${count === 1 ? "" : "s"}]`

/** What a value is, and how large: nothing of what it holds. */
export const describe = (value: PsValue): string => {
  if (value === null) return "[null]"
  if (typeof value === "string") return described("String", value.length, "character")
  if (typeof value === "boolean") return "[Boolean]"
  if (typeof value === "number") return "[Int32]"
  if (typeof value === "bigint") return "[Int64]"
  if (value instanceof Uint8Array) return described("Byte[]", value.length, "byte")
  if (value._tag === "SecureString") return "[SecureString]"
  // Neither kind of length: it would tell of the password's.
  if (value._tag === "Scalar") return `[${value.type}]`
  if (value._tag === "List") return described(value.kind, value.items.length, "item")
  if (value._tag === "Dictionary")
    return described("Dictionary", value.entries.length, "entry").replace("entrys", "entries")
  return value.value === undefined || value.value === null ? "[Object]" : describe(value.value)
}

interface Rules {
  /** Of names: of types and properties. */
  readonly label: Scrub
  readonly text: Scrub
  readonly scalar: (scalar: PsScalar) => PsValue
  /** Undefined: the rules go on inside. */
  readonly named: (name: string, value: PsValue) => PsValue | undefined
}

/** Its text is a name that its type declares. */
const isEnum = ({ typeNames, value }: PsObject): boolean =>
  typeof value === "number" && typeNames.includes("System.Enum")

/** Applies the rules to every leaf; references and cycles stay what they are. */
const mapped = (value: PsValue, rules: Rules): PsValue => {
  const known = new Map<PsValue, PsValue>()
  const named = (name: string, item: PsValue): PsValue => rules.named(name, item) ?? visit(item)
  const visit = (current: PsValue): PsValue => {
    if (typeof current === "string") return rules.text(current)
    if (current === null || typeof current !== "object") return current
    if (current instanceof Uint8Array) return describe(current)
    if (current._tag === "SecureString") return describe(current)
    if (current._tag === "Scalar") return rules.scalar(current)
    const seen = known.get(current)
    if (seen !== undefined) return seen
    if (current._tag === "List") return list(current)
    return current._tag === "Dictionary" ? dictionary(current) : object(current)
  }
  const list = (current: PsList): PsList => {
    const copy: PsList = { ...current, typeNames: current.typeNames.map(rules.label), items: [] }
    known.set(current, copy)
    for (const item of current.items) copy.items.push(visit(item))
    return copy
  }
  const dictionary = (current: PsDictionary): PsDictionary => {
    const copy: PsDictionary = { ...current, typeNames: current.typeNames.map(rules.label), entries: [] }
    known.set(current, copy)
    for (const [key, item] of current.entries)
      copy.entries.push([visit(key), typeof key === "string" ? named(key, item) : visit(item)])
    return copy
  }
  const object = (current: PsObject): PsObject => {
    const copy: PsObject = {
      _tag: "Object",
      typeNames: current.typeNames.map(rules.label),
      ...(current.text === undefined ? {} : { text: (isEnum(current) ? rules.label : rules.text)(current.text) }),
      adapted: new Map(),
      extended: new Map()
    }
    known.set(current, copy)
    if (current.value !== undefined) copy.value = visit(current.value)
    for (const [name, item] of current.adapted) copy.adapted.set(rules.label(name), named(name, item))
    for (const [name, item] of current.extended) copy.extended.set(rules.label(name), named(name, item))
    return copy
  }
  return visit(value)
}

const isText = (value: PsValue): boolean =>
  typeof value === "string" || (isObject(value) && typeof value.value === "string")

/** As it is, but for known secrets, bytes, secure strings, and texts whose name tells that they are secret. */
export const shown = (value: PsValue, scrub: Scrub): PsValue =>
  mapped(value, {
    label: scrub,
    text: scrub,
    scalar: (scalar) => (sealed.has(scalar.type) ? describe(scalar) : { ...scalar, text: scrub(scalar.text) }),
    named: (name, item) => (telling.test(name) && isText(item) ? describe(item) : undefined)
  })

/** A value under a name: a parameter. */
export const shownAs = (name: string | undefined, value: PsValue, scrub: Scrub): PsValue =>
  name !== undefined && telling.test(name) && isText(value) ? describe(value) : shown(value, scrub)

/** Scalars that are numbers or times: what records count and date with. */
const counting: ReadonlySet<PsScalar["type"]> = new Set([
  "Byte",
  "SByte",
  "Int16",
  "UInt16",
  "UInt32",
  "UInt64",
  "DateTime",
  "TimeSpan",
  "Version"
])

/** Properties of records that hold whatever somebody put there. */
const freight: ReadonlySet<string> = new Set([
  "TargetObject",
  "MessageData",
  "InvocationInfo",
  "UserEvent.EventArgs",
  "mp",
  "mr",
  "me"
])

/** A record's structure and numbers, without its texts and what it carries. */
export const muted = (value: PsValue, scrub: Scrub): PsValue =>
  mapped(value, {
    label: scrub,
    text: describe,
    scalar: (scalar) => (counting.has(scalar.type) ? scalar : describe(scalar)),
    named: (name, item) => (freight.has(name) && item !== null ? describe(item) : undefined)
  })
