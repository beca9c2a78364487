/** Compares a decoded PsValue with the recorder's description of what PowerShell's own client held. */
import { property } from "../../../layers/psrp/PsObject.ts"
import type { PsObject, PsValue } from "../../../layers/psrp/PsValue.ts"
import type { DescribedValue } from "./Recording.ts"

const isTagged = (value: PsValue): value is Exclude<PsValue, null | string | boolean | number | bigint | Uint8Array> =>
  typeof value === "object" && value !== null && "_tag" in value

const plain = (types: unknown): Array<string> =>
  (types as ReadonlyArray<string>).map((type) => type.replace(/^(Deserialized\.)+/, ""))

/** xs:duration, as .NET writes it, in ticks of 100 ns. */
export const durationTicks = (text: string): bigint => {
  const match = /^(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7}))?S)?)?$/.exec(text)
  if (match === null) throw new Error(`not a duration: ${text}`)
  const part = (index: number): bigint => BigInt(match[index] ?? "0")
  const seconds = ((part(2) * 24n + part(3)) * 60n + part(4)) * 60n + part(5)
  const ticks = seconds * 10_000_000n + BigInt((match[6] ?? "").padEnd(7, "0"))
  return match[1] === "-" ? -ticks : ticks
}

/** xs:dateTime as .NET's round-trip text and kind. */
export const roundTrip = (text: string): { readonly value: string; readonly kind: string } => {
  const match = /^(\d{4,5}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,7}))?(Z|[+-]\d\d:\d\d)?$/.exec(text)
  if (match === null) throw new Error(`not a date: ${text}`)
  const zone = match[3] ?? ""
  return {
    value: `${match[1]}.${(match[2] ?? "").padEnd(7, "0")}${zone}`,
    kind: zone === "Z" ? "Utc" : zone === "" ? "Unspecified" : "Local"
  }
}

/** The invariant text of a primitive, as the description gives it. */
const invariant = (value: PsValue): unknown => {
  if (typeof value === "number" || typeof value === "bigint") return String(value)
  if (!isTagged(value)) return value
  if (value._tag !== "Scalar") return undefined
  switch (value.type) {
    case "Char":
      return Number(value.text)
    case "Single":
    case "Double":
      return value.text.replace("INF", "Infinity")
    case "DateTime":
      return roundTrip(value.text).value
    default:
      return value.text
  }
}

/** .NET type of a bare primitive; a script block arrives as text, a list as ArrayList. */
const typeOf = (value: PsValue): string => {
  if (typeof value === "string") return "System.String"
  if (typeof value === "boolean") return "System.Boolean"
  if (typeof value === "number") return "System.Int32"
  if (typeof value === "bigint") return "System.Int64"
  if (value instanceof Uint8Array) return "System.Byte[]"
  if (value === null) return "null"
  if (value._tag === "Scalar") {
    if (value.type === "ScriptBlock") return "System.String"
    if (value.type === "XmlDocument") return "System.Xml.XmlDocument"
    if (value.type === "SecureString") return "System.Security.SecureString"
    return `System.${value.type}`
  }
  if (value._tag === "List") {
    if (value.kind === "Stack") return "System.Collections.Stack"
    return value.kind === "Queue" ? "System.Collections.Queue" : "System.Collections.ArrayList"
  }
  if (value._tag === "SecureString") return "System.Security.SecureString"
  if (value._tag === "Dictionary")
    return value.typeNames[0] === "System.Collections.Specialized.OrderedDictionary"
      ? "System.Collections.Specialized.OrderedDictionary"
      : "System.Collections.Hashtable"
  return value.value === undefined ? (value.typeNames[0] ?? "") : typeOf(value.value)
}

/** Types that PowerShell's client brings back to life, and those whose properties its own type data computes. */
const rehydrated = new Set(["System.Net.IPAddress", "System.Management.Automation.PSCredential"])
const decoratedByClient = new Set(["System.IO.DirectoryInfo", "System.DateTimeOffset"])

/** Every difference, one line each; empty when the value is what was described. */
export const differences = (
  expected: DescribedValue,
  actual: PsValue,
  path = "$",
  open: ReadonlyArray<PsValue> = []
): Array<string> => {
  const differ = (what: string, want: unknown, got: unknown): Array<string> =>
    Object.is(want, got)
      ? []
      : [`${path}: ${what}: expected ${JSON.stringify(want)}, got ${JSON.stringify(String(got))}`]
  if (expected === null) return differ("value", null, actual)
  if (expected["cycle"] === true) return open.includes(actual) ? [] : [`${path}: no cycle`]
  if (actual === null) return [`${path}: null`]
  const inside = [...open, actual]
  const inner = isTagged(actual) && actual._tag === "Object" && actual.value !== undefined ? actual.value : actual

  if (rehydrated.has(String(expected["type"])))
    return isTagged(actual) && actual._tag === "Object"
      ? differ("type", expected["type"], plain(actual.typeNames)[0])
      : [`${path}: no object`]

  if ("entries" in expected) {
    if (!isTagged(inner) || inner._tag !== "Dictionary") return [`${path}: no dictionary`]
    const entries = expected["entries"] as ReadonlyArray<readonly [DescribedValue, DescribedValue]>
    return [
      ...differ("type", expected["type"], typeOf(inner)),
      ...differ("entries", entries.length, inner.entries.length),
      ...entries.flatMap(([key, value]) => {
        const found = inner.entries.find(([candidate]) => differences(key, candidate, path, inside).length === 0)
        return found === undefined
          ? [`${path}: no entry ${JSON.stringify(key)}`]
          : differences(value, found[1], `${path}[${JSON.stringify(key?.["value"])}]`, inside)
      })
    ]
  }
  if ("items" in expected) {
    if (!isTagged(inner) || inner._tag !== "List") return [`${path}: no list`]
    const items = expected["items"] as ReadonlyArray<DescribedValue>
    return [
      ...(expected["type"] === "System.Management.Automation.PSObject"
        ? []
        : differ("type", expected["type"], typeOf(inner))),
      ...differ("items", items.length, inner.items.length),
      ...items.flatMap((item, index) => differences(item, inner.items[index] ?? null, `${path}[${index}]`, inside))
    ]
  }
  const properties = (object: PsObject): Array<string> => {
    const described = (expected["properties"] ?? {}) as Readonly<Record<string, DescribedValue>>
    const ofClient = decoratedByClient.has(plain(object.typeNames)[0] ?? "")
    return [
      ...Object.entries(described).flatMap(([name, value]) => {
        const got = property(object, name)
        if (got !== undefined) return differences(value, got, `${path}.${name}`, inside)
        return ofClient ? [] : [`${path}.${name}: missing`]
      }),
      ...[...object.adapted.keys(), ...object.extended.keys()].flatMap((name) =>
        name in described ? [] : [`${path}.${name}: unexpected`]
      )
    ]
  }
  if ("type" in expected) {
    const type = String(expected["type"])
    const kind =
      isTagged(inner) && inner._tag === "Scalar" && inner.type === "DateTime" ? roundTrip(inner.text).kind : undefined
    return [
      ...differ("type", type, typeOf(inner)),
      ...("value" in expected ? differ("value", expected["value"], invariant(inner)) : []),
      ...("kind" in expected ? differ("kind", expected["kind"], kind) : []),
      ...("base64" in expected
        ? differ(
            "bytes",
            expected["base64"],
            inner instanceof Uint8Array ? Buffer.from(inner).toString("base64") : undefined
          )
        : []),
      ...("ticks" in expected
        ? differ(
            "ticks",
            expected["ticks"],
            isTagged(inner) && inner._tag === "Scalar" ? String(durationTicks(inner.text)) : undefined
          )
        : []),
      ...("properties" in expected
        ? isTagged(actual) && actual._tag === "Object"
          ? properties(actual)
          : [`${path}: no object`]
        : [])
    ]
  }
  if (!isTagged(actual) || actual._tag !== "Object") return [`${path}: no object`]
  return [
    ...differ("types", plain(expected["types"]).join(), plain(actual.typeNames).join()),
    // A custom object's text is computed by the client; it does not travel.
    ...(actual.text === undefined ? [] : differ("text", expected["text"], actual.text)),
    ...properties(actual)
  ]
}
