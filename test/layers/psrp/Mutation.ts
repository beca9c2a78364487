/** Damage to recorded bytes, all drawn from one seed: the same seed and case give the same bytes. */

/** Mulberry32: small, and good enough to choose where to cut. */
export const chance = (seed: number): ((below: number) => number) => {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** What is likely to mean something where it lands: tags, references, numbers at a limit, escapes, lengths. */
const tokens = [
  '<Obj RefId="0">',
  "</Obj>",
  "<LST>",
  "</LST>",
  "<MS>",
  "<Props>",
  '<Ref RefId="0" />',
  '<Ref RefId="1" />',
  '<TNRef RefId="0" />',
  "<Nil />",
  "<I64>x</I64>",
  "<En>",
  '<S N="Key">x</S>',
  "<SS>",
  "<I32>2147483648</I32>",
  "<U64>18446744073709551616</U64>",
  '<S N="__proto__">x</S>',
  '<S N="toString">x</S>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  "<![CDATA[",
  "<!--",
  "&#xD800;",
  "&b;",
  "_xD800_",
  "_x",
  "\u0000",
  "\uFFFF",
  "\u00FF\u00FF\u00FF\u00FF"
].map((token) => new TextEncoder().encode(token))

/** What no leaf expects: neither number nor base64, or not of that size. */
const texts = ["", "-", "+", "9e9", "0x10", " 7 ", "99999999999999999999", "1.5", "maybe", "====", "_x", "&#0;"].map(
  (text) => new TextEncoder().encode(text)
)

/** One to four wounds: bytes changed, cut, repeated, moved from `other`, replaced by a token; a leaf with another text. */
export const damage = (bytes: Uint8Array, other: Uint8Array, pick: (below: number) => number): Uint8Array => {
  let hurt = bytes
  for (let wounds = 1 + pick(4); wounds > 0; wounds--) {
    // Mostly where a tag starts: what stands inside a tag or a text is refused by the first reader.
    const place = (bytes: Uint8Array): number => {
      const at = pick(bytes.length + 1)
      const tag = pick(4) === 0 ? -1 : bytes.indexOf(0x3c, at)
      return tag < 0 ? at : tag
    }
    const at = place(hurt)
    const length = pick(pick(2) === 0 ? 8 : 400)
    const put = (middle: Uint8Array, from: number): Uint8Array =>
      Uint8Array.from([...hurt.subarray(0, at), ...middle, ...hurt.subarray(Math.min(from, hurt.length))])
    switch (pick(7)) {
      case 0:
        hurt = put(
          Uint8Array.from({ length: 1 + (length % 4) }, () => pick(256)),
          at + 1 + (length % 4)
        )
        break
      case 1:
        hurt = put(new Uint8Array(0), at + length)
        break
      case 2:
        hurt = put(hurt.subarray(at, at + length), at)
        break
      case 3: {
        const from = place(other)
        hurt = put(other.subarray(from, from + length), at + (pick(2) === 0 ? length : 0))
        break
      }
      case 4:
        hurt = put(tokens[pick(tokens.length)] ?? new Uint8Array(0), at + pick(3) * length)
        break
      case 5: {
        const from = hurt.indexOf(0x3e, at) + 1
        const to = hurt.indexOf(0x3c, from)
        if (from > 0 && to >= from)
          hurt = Uint8Array.from([
            ...hurt.subarray(0, from),
            ...(texts[pick(texts.length)] ?? new Uint8Array(0)),
            ...hurt.subarray(to)
          ])
        break
      }
      default:
        hurt = hurt.subarray(0, at)
    }
  }
  return hurt
}
