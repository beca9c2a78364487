/** RC4, which Node's OpenSSL no longer has: NTLM seals messages with it. */

/** One key stream, which goes on from call to call. */
export interface Rc4 {
  /** Encrypts or decrypts, which is the same. */
  readonly apply: (bytes: Uint8Array) => Uint8Array
}

/** `key`: 1 to 256 bytes. */
export const make = (key: Uint8Array): Rc4 => {
  const state = Uint8Array.from({ length: 256 }, (_, at) => at)
  for (let i = 0, j = 0; i < 256; i++) {
    const x = state[i] ?? 0
    j = (j + x + (key[i % key.length] ?? 0)) & 0xff
    state[i] = state[j] ?? 0
    state[j] = x
  }
  let [i, j] = [0, 0]
  return {
    // Every byte of every sealed message passes here: no closures, and nothing outside of the loop is written to in it.
    apply: (bytes) => {
      const out = new Uint8Array(bytes.length)
      let [a, b] = [i, j]
      for (let at = 0; at < out.length; at++) {
        a = (a + 1) & 0xff
        const x = state[a] ?? 0
        b = (b + x) & 0xff
        const y = state[b] ?? 0
        state[a] = y
        state[b] = x
        out[at] = (bytes[at] ?? 0) ^ (state[(x + y) & 0xff] ?? 0)
      }
      i = a
      j = b
      return out
    }
  }
}
