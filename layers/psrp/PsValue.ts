/** A value of PowerShell's object model as CLIXML carries it (MS-PSRP §2.2.5). */
import type * as Redacted from "effect/Redacted"

/** Types without an exact JavaScript counterpart keep their invariant text. */
export type ScalarType =
  | "Char"
  | "Byte"
  | "SByte"
  | "Int16"
  | "UInt16"
  | "UInt32"
  | "UInt64"
  | "Single"
  | "Double"
  | "Decimal"
  | "DateTime"
  | "TimeSpan"
  | "Guid"
  | "Uri"
  | "Version"
  | "XmlDocument"
  | "ScriptBlock"
  | "SecureString"

export interface PsScalar {
  readonly _tag: "Scalar"
  readonly type: ScalarType
  /** As in the element: a char is its UTF-16 number, a date round-trip text, a time span xs:duration, a secure string sealed. */
  readonly text: string
}

/** A secure string that is open: it travels only where a session key seals it. */
export interface PsSecureString {
  readonly _tag: "SecureString"
  readonly plain: Redacted.Redacted<string>
}

export interface PsList {
  readonly _tag: "List"
  readonly kind: "List" | "Enumerable" | "Queue" | "Stack"
  readonly typeNames: ReadonlyArray<string>
  /** Mutable while a cyclic value is decoded. */
  readonly items: Array<PsValue>
}

export interface PsDictionary {
  readonly _tag: "Dictionary"
  readonly typeNames: ReadonlyArray<string>
  readonly entries: Array<readonly [key: PsValue, value: PsValue]>
}

export interface PsObject {
  readonly _tag: "Object"
  readonly typeNames: ReadonlyArray<string>
  /** ToString of the live object. */
  readonly text?: string
  /** The primitive that an enum or a decorated value wraps. */
  value?: PsValue
  readonly adapted: Map<string, PsValue>
  readonly extended: Map<string, PsValue>
}

/** string = System.String, boolean, number = Int32, bigint = Int64, Uint8Array = byte[]. */
export type PsValue =
  | null
  | string
  | boolean
  | number
  | bigint
  | Uint8Array
  | PsScalar
  | PsSecureString
  | PsList
  | PsDictionary
  | PsObject
