/** Damage to bytes that were whole, all drawn from one seed: the same seed and case give the same bytes. */

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
  "<constructor>",
  "</constructor>",
  "<s:Fault>",
  "</s:Body>",
  '<toString:a xmlns:b="u" xmlns="">',
  ' Code="-1"',
  "Length=4294967295",
  "--Encrypted Boundary\r\n"
].map((token) => new TextEncoder().encode(token))

/** Lengths, offsets and tags at a limit, of either byte order. */
const numbers = [
  [0],
  [0x7f],
  [0x80],
  [0x84, 0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff],
  [0xff, 0xff, 0xff, 0xff],
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 1],
  [0, 0, 0, 0, 0, 0, 0, 0]
].map((bytes) => Uint8Array.from(bytes))

/** What no leaf expects: neither number nor base64, or not of that size. */
const texts = ["", "-", "+", "9e9", "0x10", " 7 ", "99999999999999999999", "1.5", "maybe", "====", "_x", "&#0;"].map(
  (text) => new TextEncoder().encode(text)
)

/** Bytes up to `at`, then these, then those after `from`. */
const spliced = (bytes: Uint8Array, at: number, middle: Uint8Array, from: number): Uint8Array => {
  const tail = bytes.subarray(from)
  const whole = new Uint8Array(at + middle.length + tail.length)
  whole.set(bytes.subarray(0, at))
  whole.set(middle, at)
  whole.set(tail, at + middle.length)
  return whole
}

const nothing = new Uint8Array(0)
const lessThan = 0x3c
const greaterThan = 0x3e

/** One to four wounds: bytes changed, cut, repeated, moved from `other`, replaced by a token or number; a leaf with another text. */
export const damage = (bytes: Uint8Array, other: Uint8Array, pick: (below: number) => number): Uint8Array => {
  const among = (choices: ReadonlyArray<Uint8Array>): Uint8Array => choices[pick(choices.length)] ?? nothing
  // Mostly where a tag starts: what stands inside a tag or a text is refused by the first reader.
  const place = (bytes: Uint8Array): number => {
    const at = pick(bytes.length + 1)
    const tag = pick(4) === 0 ? -1 : bytes.indexOf(lessThan, at)
    return tag < 0 ? at : tag
  }
  let hurt = bytes
  for (let wounds = 1 + pick(4); wounds > 0; wounds--) {
    const at = place(hurt)
    const length = pick(pick(2) === 0 ? 8 : 400)
    switch (pick(8)) {
      case 0: {
        const noise = Uint8Array.from({ length: 1 + (length % 4) }, () => pick(256))
        hurt = spliced(hurt, at, noise, at + noise.length)
        break
      }
      case 1:
        hurt = spliced(hurt, at, nothing, at + length)
        break
      case 2:
        hurt = spliced(hurt, at, hurt.subarray(at, at + length), at)
        break
      case 3: {
        const from = place(other)
        hurt = spliced(hurt, at, other.subarray(from, from + length), at + (pick(2) === 0 ? length : 0))
        break
      }
      case 4:
        hurt = spliced(hurt, at, among(tokens), at + pick(3) * length)
        break
      case 5: {
        const from = hurt.indexOf(greaterThan, at) + 1
        const to = hurt.indexOf(lessThan, from)
        if (from > 0 && to >= from) hurt = spliced(hurt, from, among(texts), to)
        break
      }
      case 6: {
        const number = among(numbers)
        const anywhere = pick(hurt.length + 1)
        hurt = spliced(hurt, anywhere, number, anywhere + number.length)
        break
      }
      default:
        hurt = hurt.subarray(0, at)
    }
  }
  return hurt
}
