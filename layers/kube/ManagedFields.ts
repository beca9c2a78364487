/** JSON texts without metadata.managedFields, the larger half of most objects, which nobody here reads: cut before it is parsed. Pure. */

const key = '"managedFields":['
const [quote, backslash, comma, open, close] = [0x22, 0x5c, 0x2c, 0x5b, 0x5d]

/** Index of the quote that ends the string that begins at `from`. */
const endOfString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === backslash) before -= 1
    // After an odd number of backslashes it is a character of the string.
    if ((at - before) % 2 === 1) return at
  }
  return text.length
}

/** Index behind the list that begins at `from`; undefined when it has no end. */
const behindList = (text: string, from: number): number | undefined => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === quote) at = endOfString(text, at)
    else if (character === open) depth += 1
    else if (character === close) {
      depth -= 1
      if (depth === 0) return at + 1
    }
  }
  return undefined
}

const isSpace = (character: number): boolean =>
  character === 0x20 || character === 0x0a || character === 0x0d || character === 0x09

const behindSpace = (text: string, from: number): number => {
  let at = from
  while (isSpace(text.charCodeAt(at))) at += 1
  return at
}

const beforeSpace = (text: string, from: number): number => {
  let at = from
  while (isSpace(text.charCodeAt(at - 1))) at -= 1
  return at
}

/**
 * The text without every list that is called managedFields, if no white space parts the name from the list (API servers write none).
 * Parsed it is what the whole text is without those members; a text that breaks off stays no JSON.
 *
 * What is looked for begins a name wherever it is found in JSON, but for an escaped quote: a quote that ends a string is followed by
 * none of its letters.
 */
export const withoutManagedFields = (text: string): string => {
  const kept: Array<string> = []
  let from = 0
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + key.length)) {
    if (text.charCodeAt(at - 1) === backslash) continue
    const behind = behindList(text, at + key.length - 1)
    if (behind === undefined) break
    const [start, end] = [beforeSpace(text, at), behindSpace(text, behind)]
    // One of the commas beside it goes with it. After a cut that left the one before, that comma is behind `from`.
    const follows = start > from && text.charCodeAt(start - 1) === comma
    kept.push(text.slice(from, follows ? start - 1 : start))
    from = !follows && text.charCodeAt(end) === comma ? end + 1 : end
    at = behind - key.length
  }
  kept.push(text.slice(from))
  return kept.join("")
}
