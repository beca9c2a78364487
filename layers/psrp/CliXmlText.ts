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

const namedReferences = [
  ["&lt;", "<"],
  ["&gt;", ">"],
  ["&amp;", "&"],
  ["&quot;", '"'],
  ["&apos;", "'"]
] as const

/** The longest reference that can be valid, "&#x10FFFF;", and no more: a bare ampersand must not scan a megabyte. */
const longestReference = 12

/** The reference at a place and what it stands for. */
const referenceAt = (text: string, at: number): readonly [reference: string, character: string] | undefined => {
  for (const named of namedReferences) if (text.startsWith(named[0], at)) return named
  const end = text.slice(at, at + longestReference).indexOf(";")
  const reference = text.slice(at, at + end + 1)
  const [, hex, decimal] = /^&#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}));$/.exec(reference) ?? []
  const code = hex === undefined ? Number.parseInt(decimal ?? "", 10) : Number.parseInt(hex, 16)
  return code <= 0x10ffff ? [reference, String.fromCodePoint(code)] : undefined
}

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
    const found = referenceAt(normal, ampersand)
    if (found === undefined) return undefined
    text += normal.slice(from, ampersand) + found[1]
    from = ampersand + found[0].length
    ampersand = normal.indexOf("&", from)
  }
  return text + normal.slice(from)
}
