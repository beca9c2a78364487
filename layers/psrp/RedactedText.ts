/** Known secrets taken out of text, in every form in which somebody may have put them there. */
import * as Encoding from "effect/encoding/Base64"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"

/** Takes the place of a secret. */
export const placeholder = "[redacted]"

/** Shorter ones hide nothing, and would be found in the middle of words. */
const leastCharacters = 4

const utf8 = new TextEncoder()

const utf16le = (text: string): Uint8Array => {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let at = 0; at < text.length; at++) view.setUint16(at * 2, text.charCodeAt(at), true)
  return bytes
}

/** The characters that base64 has for these bytes wherever they stand among others: without those that neighbours share. */
const inBase64 = (bytes: Uint8Array): ReadonlyArray<string> =>
  [0, 1, 2].map((before) => {
    const shifted = new Uint8Array(before + bytes.length)
    shifted.set(bytes, before)
    return Encoding.encode(shifted).slice(Math.ceil((before * 8) / 6), Math.floor((shifted.length * 8) / 6))
  })

const unicodeEscape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;"
}

const forms = (secret: string): ReadonlyArray<string> => {
  const json = JSON.stringify(secret).slice(1, -1)
  const xml = (special: RegExp) => secret.replace(special, (character) => entities[character] ?? character)
  const bytes = [utf8.encode(secret), utf16le(secret)]
  const hex = bytes.map(Hex.encode)
  return [
    secret,
    json,
    // ConvertTo-Json of Windows PowerShell.
    json.replace(/['<>&]/gu, unicodeEscape),
    xml(/[&<>]/gu),
    xml(/[&<>"]/gu),
    xml(/[&<>"']/gu),
    secret.replaceAll("'", "''"),
    encodeURIComponent(secret.toWellFormed()),
    ...bytes.flatMap(inBase64),
    ...hex,
    ...hex.map((digits) => digits.toUpperCase())
  ].filter((form) => form.length >= leastCharacters)
}

const escaped = (text: string): string => text.replace(/[$()*+./?[\\\]^{|}-]/gu, String.raw`\$&`)

/** Answers text without these secrets. Longer forms go first: none is left in part. */
export const scrubber = (secrets: ReadonlyArray<Redacted.Redacted<string>>): ((text: string) => string) => {
  const needles = new Set(
    secrets
      .map(Redacted.value)
      .filter(({ length }) => length >= leastCharacters)
      .flatMap(forms)
  )
  if (needles.size === 0) return (text) => text
  const longestFirst = [...needles].toSorted((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.map(escaped).join("|"), "g")
  return (text) => text.replace(pattern, placeholder)
}
