/** Text as CLIXML writes it: the _xHHHH_ escapes of MS-PSRP §2.2.5.3.2 inside XML's own escapes. */

// Controls, surrogates, the two non-characters that XML forbids, and an underscore that could be taken for an escape.
const mustEscape = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]|_(?=[xX])/g // oxlint-disable-line no-control-regex
const escaped = /_x([0-9A-Fa-f]{4})_/g

const hexadecimal = (code: number): string => `_x${code.toString(16).toUpperCase().padStart(4, "0")}_`

/** Element text for any UTF-16 string, lone surrogates included. */
export const escapeText = (text: string): string => {
  let safe = text.search(mustEscape) < 0 ? text : text.replace(mustEscape, (unit) => hexadecimal(unit.charCodeAt(0)))
  if (safe.includes("&")) safe = safe.replaceAll("&", "&amp;")
  if (safe.includes("<")) safe = safe.replaceAll("<", "&lt;")
  if (safe.includes(">")) safe = safe.replaceAll(">", "&gt;")
  return safe
}

/** The same for an attribute's value between double quotes. */
export const escapeAttribute = (text: string): string => {
  const safe = escapeText(text)
  return safe.includes('"') ? safe.replaceAll('"', "&quot;") : safe
}

/** Undoes the _xHHHH_ escapes; surrogate pairs join by themselves in UTF-16. */
export const unescapeText = (text: string): string =>
  text.includes("_x")
    ? text.replace(escaped, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    : text

const namedEntities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"]
])

const character = (name: string): string | undefined => {
  if (!name.startsWith("#")) return namedEntities.get(name)
  const digits = name.startsWith("#x") ? /^#x([0-9A-Fa-f]{1,6})$/.exec(name) : /^#([0-9]{1,7})$/.exec(name)
  const code = Number.parseInt(digits?.[1] ?? "", name.startsWith("#x") ? 16 : 10)
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined
}

/** The longest reference that can be valid, "&#x10FFFF;", and no more: a bare ampersand must not scan a megabyte. */
const longestReference = 12

/**
 * Expands XML's five entities and character references (U+FFFE, which PowerShell writes so, included) and normalizes
 * line ends. Answers undefined for an entity that XML does not predefine: there is no DTD here.
 */
export const expandReferences = (raw: string): string | undefined => {
  const normal = raw.includes("\r") ? raw.replace(/\r\n?/g, "\n") : raw
  let ampersand = normal.indexOf("&")
  if (ampersand < 0) return normal
  // Concatenation is quicker here than any replacement by a pattern.
  let text = ""
  let from = 0
  while (ampersand >= 0) {
    const name = normal.slice(ampersand + 1, ampersand + longestReference)
    const length = name.indexOf(";")
    const value = length < 0 ? undefined : character(name.slice(0, length))
    if (value === undefined) return undefined
    text += normal.slice(from, ampersand) + value
    from = ampersand + length + 2
    ampersand = normal.indexOf("&", from)
  }
  return text + normal.slice(from)
}
