/** Primitive elements of CLIXML (MS-PSRP §2.2.5.1): their names, and their text as a value. */
import { decodeBase64 } from "../wsman/SoapBase64.ts"
import type { PsValue, ScalarType } from "./PsValue.ts"

export const scalarElements: Readonly<Record<ScalarType, string>> = {
  Char: "C",
  Byte: "By",
  SByte: "SB",
  Int16: "I16",
  UInt16: "U16",
  UInt32: "U32",
  UInt64: "U64",
  Single: "Sg",
  Double: "Db",
  Decimal: "D",
  DateTime: "DT",
  TimeSpan: "TS",
  Guid: "G",
  Uri: "URI",
  Version: "Version",
  XmlDocument: "XD",
  ScriptBlock: "SBK",
  SecureString: "SS"
}

const scalarTypes: ReadonlyMap<string, ScalarType> = new Map(
  // Object.entries forgets the key type that the record above states.
  (Object.entries(scalarElements) as Array<[ScalarType, string]>).map(([type, element]) => [element, type])
)

const own = new Set(["S", "B", "I32", "I64", "BA", "Nil"])

export const isPrimitive = (element: string): boolean => own.has(element) || scalarTypes.has(element)

const integer = /^[+-]?[0-9]{1,20}$/

/** Least and greatest of the integers that keep their text; a char is a UTF-16 unit. */
const ranges: ReadonlyMap<string, readonly [least: bigint, greatest: bigint]> = new Map([
  ["C", [0n, 0xffffn]],
  ["By", [0n, 0xffn]],
  ["SB", [-0x80n, 0x7fn]],
  ["I16", [-0x8000n, 0x7fffn]],
  ["U16", [0n, 0xffffn]],
  ["U32", [0n, 0xffff_ffffn]],
  ["U64", [0n, 0xffff_ffff_ffff_ffffn]]
])

/** The value of a primitive element with this (unescaped) text; undefined when the text is not of that type. */
export const primitiveOf = (element: string, text: string): PsValue | undefined => {
  switch (element) {
    case "S":
      return text
    case "B": {
      const word = text.trim().toLowerCase()
      return word === "true" || word === "1" ? true : word === "false" || word === "0" ? false : undefined
    }
    case "I32": {
      const digits = text.trim()
      const value = Number(digits)
      return integer.test(digits) && value === (value | 0) ? value | 0 : undefined
    }
    case "I64": {
      const digits = text.trim()
      if (!integer.test(digits)) return undefined
      const value = BigInt(digits)
      return BigInt.asIntN(64, value) === value ? value : undefined
    }
    case "BA":
      return decodeBase64(text.replace(/[ \t\r\n]+/g, ""))
    case "Nil":
      return null
    default: {
      const type = scalarTypes.get(element)
      const range = ranges.get(element)
      if (range !== undefined) {
        const digits = text.trim()
        if (!integer.test(digits)) return undefined
        const value = BigInt(digits)
        if (value < range[0] || value > range[1]) return undefined
      }
      return type === undefined ? undefined : { _tag: "Scalar", type, text }
    }
  }
}
