/** Text as CLIXML writes it: the _xHHHH_ escapes of MS-PSRP §2.2.5.3.2 inside XML's own escapes. */

/* Controls, surrogates, the two non-characters that XML forbids, and an underscore that could be taken for an escape. */
// oxlint-disable-next-line no-control-regex
const mustEscape = /[\u0000-\u001f\u007f-\u009f\ud800-\udfff\ufffe\uffff]|_(?=[xX])/g
const markup = /[&<>"]/g
const escaped = /_x([0-9A-Fa-f]{4})_/g
const reference = /&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([A-Za-z]+));/g

const hexadecimal = (code: number): string => `_x${code.toString(16).toUpperCase().padStart(4, "0")}_`

const entity = (character: string): string =>
  character === "&" ? "&amp;" : character === "<" ? "&lt;" : character === ">" ? "&gt;" : "&quot;"

/** Element text or attribute value for any UTF-16 string, lone surrogates included. */
export const escapeText = (text: string): string => {
  const safe = text.search(mustEscape) < 0 ? text : text.replace(mustEscape, (unit) => hexadecimal(unit.charCodeAt(0)))
  return safe.search(markup) < 0 ? safe : safe.replace(markup, entity)
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

/**
 * Expands XML's five entities and character references (U+FFFE, which PowerShell writes so, included) and normalizes
 * line ends. Answers undefined for an entity that XML does not predefine: there is no DTD here.
 */
export const expandReferences = (raw: string): string | undefined => {
  const normal = raw.includes("\r") ? raw.replace(/\r\n?/g, "\n") : raw
  if (!normal.includes("&")) return normal
  let known = true
  let references = 0
  const text = normal.replace(
    reference,
    (_, hex: string | undefined, decimal: string | undefined, name: string | undefined) => {
      references++
      if (name !== undefined) {
        const value = namedEntities.get(name)
        if (value === undefined) known = false
        return value ?? ""
      }
      const code = hex !== undefined ? Number.parseInt(hex, 16) : Number(decimal)
      if (code > 0x10ffff) {
        known = false
        return ""
      }
      return String.fromCodePoint(code)
    }
  )
  let ampersands = 0
  for (let at = normal.indexOf("&"); at >= 0; at = normal.indexOf("&", at + 1)) ampersands++
  return known && ampersands === references ? text : undefined
}
