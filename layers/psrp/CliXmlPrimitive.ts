/** Primitive elements of CLIXML (MS-PSRP §2.2.5.1): their names, and their text as a value. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
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
      const value = BigInt(digits.startsWith("+") ? digits.slice(1) : digits)
      return BigInt.asIntN(64, value) === value ? value : undefined
    }
    case "BA": {
      const bytes = Base64.decode(text.replace(/[ \t\r\n]+/g, ""))
      return Result.isSuccess(bytes) ? bytes.success : undefined
    }
    case "Nil":
      return null
    default: {
      const type = scalarTypes.get(element)
      return type === undefined ? undefined : { _tag: "Scalar", type, text }
    }
  }
}
