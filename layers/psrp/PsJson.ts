/** Plain JavaScript values to and from PsValue: how typed parameters are written, and answers read. */
import * as Data from "effect/Data"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { array, hashtable, textOf } from "./PsObject.ts"
import type { PsDictionary, PsList, PsObject, PsValue } from "./PsValue.ts"
import { credential, readCredential, secureString } from "./SecureString.ts"
import { Credential } from "../../schemas/vmm/Credential.ts"

/** The value has no counterpart in PowerShell. Says where, never what. */
export class NotRepresentable extends Data.TaggedError("NotRepresentable")<{
  readonly path: string
  readonly reason: string
}> {
  override get message() {
    return `${this.path}: ${this.reason}`
  }
}

/** Levels of arrays and hashtables that PowerShell reads on arrival. */
const maxDepth = 48
/** PowerShell writes 50 levels; by references a document of two may hold as many as it has objects. */
const mostLevels = 192
const int64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

const convert = (value: unknown, path: string, depth: number): PsValue => {
  const refuse = (reason: string): never => {
    throw new NotRepresentable({ path, reason })
  }
  if (value === null || typeof value === "string" || typeof value === "boolean") return value
  if (typeof value === "number") {
    if (!Number.isFinite(value)) return refuse("not a finite number")
    if (value === (value | 0)) return value | 0
    if (Number.isSafeInteger(value)) return BigInt(value)
    if (Number.isInteger(value)) return refuse("an integer beyond 2^53")
    return { _tag: "Scalar", type: "Double", text: String(value) }
  }
  if (typeof value === "bigint") return value >= int64.min && value <= int64.max ? value : refuse("beyond Int64")
  if (value instanceof Uint8Array) return value
  if (value instanceof Credential) return credential(value.userName, value.password)
  if (Redacted.isRedacted(value)) {
    const plain = Redacted.value(value)
    return typeof plain === "string" ? secureString(Redacted.make(plain)) : refuse("a secret that is no text")
  }
  if (typeof value !== "object") return refuse(`a ${typeof value}`)
  if (depth >= maxDepth) return refuse("nested too deeply")
  if (Array.isArray(value)) return array(value.map((item, index) => convert(item, `${path}[${index}]`, depth + 1)))
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return refuse("an object of a class")
  const entries: Array<readonly [string, PsValue]> = []
  for (const [key, item] of Object.entries(value))
    if (item !== undefined) entries.push([key, convert(item, `${path}.${key}`, depth + 1)])
  return hashtable(entries)
}

/**
 * string → String, boolean → Boolean, integers → Int32 or Int64, other numbers → Double, Uint8Array → byte[],
 * array → object[], plain object → Hashtable (undefined members left out), null → $null, redacted text → SecureString,
 * Credential → PSCredential.
 */
export const fromJs = (value: unknown, path = "$"): Result.Result<PsValue, NotRepresentable> => {
  try {
    return Result.succeed(convert(value, path, 0))
  } catch (error) {
    if (error instanceof NotRepresentable) return Result.fail(error)
    throw error
  }
}

const numeric: ReadonlySet<string> = new Set(["Byte", "SByte", "Int16", "UInt16", "UInt32"])

/**
 * The reverse, for reading: dictionaries and objects → plain objects (extended properties over adapted ones, or the
 * wrapped primitive), integers → number, or bigint where that is not safe, other scalars → their text, a cycle → null, as is what
 * nests deeper than any server writes; secrets as `fromJs` takes them.
 */
export const toJs = (value: PsValue): unknown => {
  const open = new Set<PsValue>()
  // What occurs often is converted once: references may make a graph whose tree has no end.
  const known = new Map<PsValue, unknown>()
  const integer = (value: bigint): unknown => {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value
  }
  const visit = (current: PsValue): unknown => {
    if (current === null || typeof current !== "object" || current instanceof Uint8Array) {
      return typeof current === "bigint" ? integer(current) : current
    }
    if (current._tag === "Scalar") {
      if (numeric.has(current.type)) return Number(current.text)
      if (current.type === "UInt64") return integer(BigInt(current.text))
      return current.type === "Char" ? String.fromCharCode(Number(current.text)) : current.text
    }
    if (current._tag === "SecureString") return current.plain
    if (open.has(current) || open.size >= mostLevels) return null
    if (known.has(current)) return known.get(current)
    open.add(current)
    const converted = inside(current)
    open.delete(current)
    known.set(current, converted)
    return converted
  }
  const inside = (current: PsList | PsDictionary | PsObject): unknown => {
    if (current._tag === "List") return current.items.map(visit)
    if (current._tag === "Dictionary")
      return Object.fromEntries(current.entries.map(([key, item]) => [textOf(key) ?? "", visit(item)]))
    if (current.value !== undefined) return visit(current.value)
    const account = readCredential(current)
    if (account !== undefined) return new Credential(account)
    return Object.fromEntries([...current.adapted, ...current.extended].map(([key, item]) => [key, visit(item)]))
  }
  return visit(value)
}
