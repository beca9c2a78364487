/** Bytes as test vectors write them. */

/** "00 ff" or "00ff". */
export const hex = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/\s/gu, "").match(/../gu) ?? [], (byte) => Number.parseInt(byte, 16))

export const toHex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")

/** One bit of them is another. */
export const flipped = (bytes: Uint8Array, bit: number): Uint8Array =>
  bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
