/** Elements of DER (X.690 §10): as much of it as tokens and certificates need. */
import { concat } from "./NtlmBytes.ts"

export interface Element {
  readonly tag: number
  readonly content: Uint8Array
  /** The element itself, head included. */
  readonly whole: Uint8Array
  /** What comes after it. */
  readonly rest: Uint8Array
}

export const Tag = { octetString: 0x04, objectIdentifier: 0x06, enumerated: 0x0a, sequence: 0x30 } as const

/** A field that a SEQUENCE numbers. */
export const context = (number: number): number => 0xa0 + number

/** The element that begins `bytes`; undefined for what is none, or is cut off. Tags above 30 and endless lengths count as none. */
export const element = (bytes: Uint8Array): Element | undefined => {
  const [tag, first] = bytes
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f || first === 0x80) return undefined
  const octets = first < 0x80 ? 0 : first & 0x7f
  if (octets > 4) return undefined
  const length = octets === 0 ? first : bytes.subarray(2, 2 + octets).reduce((sum, octet) => sum * 256 + octet, 0)
  const start = 2 + octets
  const content = bytes.subarray(start, start + length)
  return content.length < length
    ? undefined
    : { tag, content, whole: bytes.subarray(0, start + length), rest: bytes.subarray(start + length) }
}

/** All elements of `bytes`, or undefined when something else is among them, or more than `most`. */
export const elements = (bytes: Uint8Array, most: number): ReadonlyArray<Element> | undefined => {
  const found: Array<Element> = []
  for (let rest = bytes; rest.length > 0;) {
    const next = element(rest)
    if (next === undefined || found.length === most) return undefined
    found.push(next)
    rest = next.rest
  }
  return found
}

/** The content of an element that must have this tag. */
export const contentOf = (bytes: Uint8Array | undefined, tag: number): Uint8Array | undefined => {
  const found = bytes === undefined ? undefined : element(bytes)
  return found?.tag === tag ? found.content : undefined
}

const lengthOf = (length: number): Uint8Array => {
  if (length < 0x80) return Uint8Array.of(length)
  const octets: Array<number> = []
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256)
  return Uint8Array.of(0x80 | octets.length, ...octets)
}

export const encode = (tag: number, ...contents: ReadonlyArray<Uint8Array>): Uint8Array => {
  const content = concat(...contents)
  return concat(Uint8Array.of(tag), lengthOf(content.length), content)
}
