/** What Go's JSON decoder says of texts that are no JSON, and of values of a type that was not expected. */
import { isArray, type Json } from "./KubeJson.ts"

/** The type of a value in the decoder's words. */
export const typeOf = (value: Json): string => {
  if (value === null) return "null"
  if (isArray(value)) return "array"
  return typeof value === "boolean" ? "bool" : typeof value
}

/** @param into the Go type or struct field that should have taken the value */
export const unmarshalFault = (value: Json, into: string): string =>
  `json: cannot unmarshal ${typeOf(value)} into Go ${into}`

const quoted = (character: string): string =>
  character === "'" ? String.raw`'\''` : character === '"' ? `'"'` : `'${character}'`

const invalid = (character: string, context: string): string => `invalid character ${quoted(character)} ${context}`

/**
 * Why a text is no JSON, as encoding/json's scanner puts it. For a text that is JSON: its end (nothing follows that
 * could be wrong).
 */
export const syntaxFault = (source: string): string => {
  let at = 0
  const end = "unexpected end of JSON input"
  const peek = (): string => source.charAt(at)
  const space = () => {
    while (at < source.length && " \t\r\n".includes(peek())) at++
  }
  const string = (): string | undefined => {
    for (at++; at < source.length; at++) {
      const character = peek()
      if (character === '"') {
        at++
        return undefined
      }
      if (character < " ") return invalid(JSON.stringify(character).slice(1, -1), "in string literal")
      if (character === "\\") {
        at++
        if (at < source.length && !'"\\/bfnrtu'.includes(peek())) return invalid(peek(), "in string escape code")
      }
    }
    return end
  }
  const word = (literal: string): string | undefined => {
    for (const expected of literal) {
      // The scanner takes the end of the text for a space.
      if (peek() !== expected) return invalid(peek() || " ", `in literal ${literal} (expecting ${quoted(expected)})`)
      at++
    }
    return undefined
  }
  const number = (): string | undefined => {
    const digits = (what: string): string | undefined => {
      if (!/\d/u.test(peek())) return invalid(peek() || " ", what)
      while (/\d/u.test(peek())) at++
      return undefined
    }
    if (peek() === "-") at++
    const whole = peek() === "0" ? void at++ : digits("in numeric literal")
    if (whole !== undefined) return whole
    if (peek() === ".") {
      at++
      const fraction = digits("after decimal point in numeric literal")
      if (fraction !== undefined) return fraction
    }
    if (!/[eE]/u.test(peek())) return undefined
    at++
    if (/[+-]/u.test(peek())) at++
    return digits("in exponent of numeric literal")
  }
  const members = (): string | undefined => {
    at++
    space()
    if (peek() === "}") return void at++
    while (at < source.length) {
      if (peek() !== '"') return invalid(peek(), "looking for beginning of object key string")
      const key = string()
      if (key !== undefined) return key
      space()
      if (at >= source.length) return end
      if (peek() !== ":") return invalid(peek(), "after object key")
      at++
      const held = value()
      if (held !== undefined) return held
      space()
      if (at >= source.length) return end
      if (peek() === "}") return void at++
      if (peek() !== ",") return invalid(peek(), "after object key:value pair")
      at++
      space()
    }
    return end
  }
  const items = (): string | undefined => {
    at++
    space()
    if (peek() === "]") return void at++
    while (at < source.length) {
      const held = value()
      if (held !== undefined) return held
      space()
      if (at >= source.length) return end
      if (peek() === "]") return void at++
      if (peek() !== ",") return invalid(peek(), "after array element")
      at++
    }
    return end
  }
  const value = (): string | undefined => {
    space()
    const first = peek()
    if (first === "") return end
    if (first === "{") return members()
    if (first === "[") return items()
    if (first === '"') return string()
    if (first === "t") return word("true")
    if (first === "f") return word("false")
    if (first === "n") return word("null")
    return /[-\d]/u.test(first) ? number() : invalid(first, "looking for beginning of value")
  }
  const fault = value()
  if (fault !== undefined) return fault
  space()
  return at < source.length ? invalid(peek(), "after top-level value") : end
}
