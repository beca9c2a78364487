/** PsValues built from a stream of numbers, so that a property test can generate and shrink them. */
import * as Schema from "effect/Schema"
import { type PsList, type PsObject, type PsValue, type ScalarType } from "../../../layers/psrp/PsValue.ts"

/** Long enough for objects within objects. */
export const Entropy = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))).check(
  Schema.isMinLength(80),
  Schema.isMaxLength(300)
)

const characters = [
  ..."ab_xX<>&\"'\r\n\t \u0000\u001f\u007f\u0085\u2028é漢\ufffe\uffff",
  "\ud83c",
  "\udfb5",
  "_x0041_",
  "]]>"
]
const scalars: ReadonlyArray<ScalarType> = [
  "Char",
  "Byte",
  "UInt64",
  "Double",
  "Decimal",
  "DateTime",
  "TimeSpan",
  "Guid",
  "Uri",
  "Version",
  "XmlDocument",
  "ScriptBlock",
  "SecureString"
]
const integers: ReadonlySet<ScalarType> = new Set(["Char", "Byte", "UInt64"])
const kinds: ReadonlyArray<PsList["kind"]> = ["List", "Enumerable", "Queue", "Stack"]

/** Deterministic; ends because every level spends entropy, and null stands where there is none left. */
export const psValueFrom = (entropy: ReadonlyArray<number>): PsValue => {
  let at = 0
  const shared: Array<PsValue> = []
  const next = (below: number): number => (entropy[at++] ?? 0) % below
  const text = (): string => Array.from({ length: next(9) }, () => characters[next(characters.length)] ?? "").join("")
  const types = (): ReadonlyArray<string> => Array.from({ length: next(4) }, () => `Type.${text()}`)
  const share = <A extends PsValue>(value: A): A => {
    shared.push(value)
    return value
  }
  const properties = (depth: number): Map<string, PsValue> =>
    new Map(Array.from({ length: next(4) }, (_, index) => [`${text()}${index}`, build(depth)]))
  const list = (depth: number, typeNames: ReadonlyArray<string>): PsList => ({
    _tag: "List",
    kind: kinds[next(4)] ?? "List",
    typeNames,
    items: Array.from({ length: next(4) }, () => build(depth))
  })
  const primitive = (): PsValue => {
    switch (next(7)) {
      case 0:
        return null
      case 1:
        return next(2) === 1
      case 2:
        return ((next(0x10000) << 16) | next(0x10000)) >> next(32)
      case 3:
        return BigInt.asIntN(64, (BigInt(next(0x10000)) << 48n) | BigInt(next(0x10000)))
      case 4:
        return Uint8Array.from({ length: next(20) }, () => next(256))
      case 5: {
        const type = scalars[next(scalars.length)] ?? "Guid"
        return { _tag: "Scalar", type, text: integers.has(type) ? String(next(256)) : text() }
      }
      default:
        return text()
    }
  }
  const build = (depth: number): PsValue => {
    if (at >= entropy.length || depth > 8) return null
    switch (next(6)) {
      case 0:
        return share(list(depth + 1, types()))
      case 1:
        return share({
          _tag: "Dictionary",
          typeNames: types(),
          entries: Array.from({ length: next(4) }, () => [build(depth + 1), build(depth + 1)] as const)
        })
      case 2: {
        const typeNames = types()
        const wraps = next(3)
        const object: PsObject = {
          _tag: "Object",
          typeNames,
          ...(next(2) === 0 ? {} : { text: text() }),
          ...(wraps === 0 ? {} : { value: wraps === 1 ? primitive() : list(depth + 1, typeNames) }),
          adapted: properties(depth + 1),
          extended: properties(depth + 1)
        }
        return share(object)
      }
      case 3:
        return shared[next(Math.max(1, shared.length))] ?? null
      default:
        return primitive()
    }
  }
  return build(0)
}
