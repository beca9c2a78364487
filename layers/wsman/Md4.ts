/** MD4 (RFC 1320), which Node's OpenSSL no longer has: NTLM hashes passwords with it. */

const rotate = (value: number, by: number): number => (value << by) | (value >>> (32 - by))

/** The message, one bit, zeros, and the length in bits: whole blocks of 64 bytes (RFC 1320 §3.1, §3.2). */
const padded = (message: Uint8Array): DataView => {
  const blocks = Math.floor((message.length + 8) / 64) + 1
  const bytes = new Uint8Array(blocks * 64)
  bytes.set(message)
  bytes[message.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setBigUint64(bytes.length - 8, BigInt(message.length) * 8n, true)
  return view
}

interface Round {
  readonly mix: (x: number, y: number, z: number) => number
  readonly constant: number
  readonly shifts: ReadonlyArray<number>
  /** Which of the sixteen words each step takes. */
  readonly words: ReadonlyArray<number>
}

const rounds: ReadonlyArray<Round> = [
  {
    mix: (x, y, z) => (x & y) | (~x & z),
    constant: 0,
    shifts: [3, 7, 11, 19],
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
  },
  {
    mix: (x, y, z) => (x & y) | (x & z) | (y & z),
    constant: 0x5a827999,
    shifts: [3, 5, 9, 13],
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
  },
  {
    mix: (x, y, z) => x ^ y ^ z,
    constant: 0x6ed9eba1,
    shifts: [3, 9, 11, 15],
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]
  }
]

/** The digest, 16 bytes. */
export const md4 = (message: Uint8Array): Uint8Array => {
  const view = padded(message)
  let [a, b, c, d] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]
  for (let block = 0; block < view.byteLength; block += 64) {
    const before = [a, b, c, d] as const
    for (const { mix, constant, shifts, words } of rounds) {
      for (const [step, word] of words.entries()) {
        const sum = (a + mix(b, c, d) + view.getUint32(block + 4 * word, true) + constant) | 0
        ;[a, b, c, d] = [d, rotate(sum, shifts[step % 4] ?? 0), b, c]
      }
    }
    ;[a, b, c, d] = [(a + before[0]) | 0, (b + before[1]) | 0, (c + before[2]) | 0, (d + before[3]) | 0]
  }
  const digest = new DataView(new ArrayBuffer(16))
  for (const [at, word] of [a, b, c, d].entries()) digest.setInt32(4 * at, word, true)
  return new Uint8Array(digest.buffer)
}
