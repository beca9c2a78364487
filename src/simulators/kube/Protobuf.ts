/** Reads the wire format of Protocol Buffers into JSON, by tables of what its messages hold. */
import * as Base64 from "effect/encoding/Base64"
import { isArray, isObject, type Json, type KubeJson } from "./KubeJson.ts"

/** A "time" is a message with seconds = 1; it becomes RFC 3339. */
export type Single = "string" | "bytes" | "bool" | "int" | "time" | Message

/** A map is a list of entries with a text as key = 1, and value = 2. */
export type Type = Single | { readonly list: Single } | { readonly map: Single }

/** Field number → name and type. */
export interface Message {
  readonly fields: Readonly<Record<number, readonly [name: string, type: Type]>>
}

/** Bytes that are no message, or hold a field that the table does not. */
export class Unreadable {
  readonly fault: string
  constructor(fault: string) {
    this.fault = fault
  }
}

interface Field {
  readonly number: number
  /** A varint, or the bytes of a text or message. */
  readonly value: bigint | Uint8Array
}

const fieldsOf = (bytes: Uint8Array): ReadonlyArray<Field> => {
  const found: Array<Field> = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new Unreadable("unexpected EOF")
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const [number, wire] = [tag >>> 3, tag & 7]
    if (wire === 0) found.push({ number, value: varint() })
    else if (wire === 2) {
      const length = Number(varint())
      if (length < 0 || at + length > bytes.length) throw new Unreadable("unexpected EOF")
      found.push({ number, value: bytes.subarray(at, at + length) })
      at += length
    } else throw new Unreadable(`wire type ${wire} of field ${number}`)
  }
  return found
}

const bytesOf = ({ number, value }: Field): Uint8Array => {
  if (value instanceof Uint8Array) return value
  throw new Unreadable(`field ${number} is a number`)
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

const timeOf = (bytes: Uint8Array): string => {
  const seconds = fieldsOf(bytes).find(({ number }) => number === 1)?.value
  return typeof seconds === "bigint" ? new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z") : ""
}

const read = (type: Single, field: Field): Json => {
  switch (type) {
    case "bool":
      return field.value === 1n
    case "int":
      return Number(field.value)
    case "string":
      return text(bytesOf(field))
    case "bytes":
      return Base64.encode(bytesOf(field))
    case "time":
      return timeOf(bytesOf(field))
    default:
      return message(type, bytesOf(field))
  }
}

/** The message's fields; empty texts and times are those that JSON leaves out. Throws Unreadable. */
export const message = ({ fields }: Message, bytes: Uint8Array): KubeJson => {
  const result: Record<string, Json> = {}
  for (const field of fieldsOf(bytes)) {
    const known = fields[field.number]
    if (known === undefined) throw new Unreadable(`field ${field.number} is not read here`)
    const [name, type] = known
    const held = result[name]
    if (typeof type === "object" && "list" in type) {
      result[name] = [...(isArray(held) ? held : []), read(type.list, field)]
    } else if (typeof type === "object" && "map" in type) {
      const { key = "", value = "" } = message(
        { fields: { 1: ["key", "string"], 2: ["value", type.map] } },
        bytesOf(field)
      )
      result[name] = { ...(isObject(held) ? held : {}), [String(key)]: value }
    } else {
      const value = read(type, field)
      if (value !== "") result[name] = value
    }
  }
  return result
}
