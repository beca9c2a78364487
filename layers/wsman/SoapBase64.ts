/** Base64 by Node, for what streams carry: Effect's is written in JavaScript, and took a seventh of a large call's time. */

export const encodeBase64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")

/** Undefined for what is no base64, white space included; the letters of base64url pass. */
export const decodeBase64 = (text: string): Uint8Array | undefined => {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0
  const bytes = Buffer.from(text, "base64")
  // Node passes over foreign characters: then there is less than so much text holds.
  return text.length % 4 === 0 && bytes.length === (text.length / 4) * 3 - padding
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : undefined
}
