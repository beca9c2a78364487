/** Kubernetes quantities: an integer or a string such as `16Gi`, kept as written, read as exact numbers. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"

/** What controller-gen writes for resource.Quantity. */
const pattern =
  /^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$/u

const Text = Schema.String.check(Schema.isPattern(pattern)).pipe(Schema.brand("Quantity"))

/** The quantity as written; numbers come as their decimal text. Compare two of them by {@link toInteger}. */
export type Quantity = typeof Text.Type

/** Encoded: int-or-string, as the API server takes it. */
export const Quantity = Schema.Union([Schema.Int, Schema.String.check(Schema.isPattern(pattern))])
  .annotate({ "x-kubernetes-int-or-string": true })
  .pipe(
    Schema.decodeTo(
      Text,
      SchemaTransformation.transform({
        decode: (value: number | string) => String(value),
        encode: (value: string): number | string => value
      })
    )
  )

const parts = /^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?)([0-9]*)(?:\.[0-9]*)?)?$/u
const binary = new Map(
  ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"].map((suffix, index) => [suffix, 1024n ** BigInt(index + 1)])
)
const decimal = new Map<string | undefined, number>([
  ["n", -9],
  ["u", -6],
  ["m", -3],
  ["k", 3],
  ["M", 6],
  ["G", 9],
  ["T", 12],
  ["P", 15],
  ["E", 18]
])

/** Kubernetes caps quantities here. */
const maximum = 2n ** 63n - 1n
/** Beyond this many digits every quantity is capped or rounds to one. */
const exponentLimit = 40

const clamp = (value: number, limit: number): number => Math.max(-limit, Math.min(limit, value))

/** The whole number that a quantity means, fractions rounded away from zero, capped to 64 bits, as Go's Quantity.Value(). */
export const toInteger = (quantity: Quantity): bigint => {
  const [, sign = "", whole = "", fraction = "", binarySuffix = "", suffix, exponentSign = "", exponent = ""] =
    parts.exec(quantity) ?? []
  const digits = BigInt(`${whole}${fraction}` === "" ? "0" : `${whole}${fraction}`)
  if (digits === 0n) return 0n
  const written = exponent === "" ? 0 : clamp(Number(`${exponentSign}${exponent}`), 1_000)
  const scale = (decimal.get(suffix) ?? 0) + written - fraction.length
  // A long fraction may outweigh the clamp: the bound counts from the digits that are there.
  const bound = clamp(scale, exponentLimit + whole.length + fraction.length)
  const numerator = digits * (binary.get(binarySuffix) ?? 1n) * 10n ** BigInt(Math.max(0, bound))
  const denominator = 10n ** BigInt(Math.max(0, -bound))
  const magnitude = (numerator + denominator - 1n) / denominator
  const capped = magnitude > maximum ? maximum : magnitude
  return sign === "-" ? -capped : capped
}

/** Bytes of a memory or disk size. */
export const toBytes = toInteger

/** Whole MiB, the rest dropped: 1500M is 1430 (checklist 2). */
export const toMebibytes = (quantity: Quantity): number => Number(toInteger(quantity) / 1_048_576n)

/** A plain number, exact up to 2^53, for counts such as IOPS. */
export const toNumber = (quantity: Quantity): number => Number(toInteger(quantity))

/** A count of bytes as Kubernetes writes it: without suffix. */
export const fromBytes = (bytes: number | bigint): Quantity => Text.make(String(bytes))

/** For literals: throws on text that is no quantity. */
export const make = (text: string): Quantity => Text.make(text)
