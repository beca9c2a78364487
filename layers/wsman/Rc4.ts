/** RC4, which Node's OpenSSL no longer has: NTLM seals messages with it. */

/** One key stream, which goes on from call to call. */
export interface Rc4 {
  /** Encrypts or decrypts, which is the same. */
  readonly apply: (bytes: Uint8Array) => Uint8Array
}

/** `key`: 1 to 256 bytes. */
export const make = (key: Uint8Array): Rc4 => {
  const state = Uint8Array.from({ length: 256 }, (_, at) => at)
  const swap = (a: number, b: number): number => {
    const [x = 0, y = 0] = [state[a], state[b]]
    state[a] = y
    state[b] = x
    return x + y
  }
  for (let i = 0, j = 0; i < 256; i++) {
    j = (j + (state[i] ?? 0) + (key[i % key.length] ?? 0)) & 0xff
    swap(i, j)
  }
  let [i, j] = [0, 0]
  return {
    apply: (bytes) =>
      bytes.map((byte) => {
        i = (i + 1) & 0xff
        j = (j + (state[i] ?? 0)) & 0xff
        return byte ^ (state[swap(i, j) & 0xff] ?? 0)
      })
  }
}
