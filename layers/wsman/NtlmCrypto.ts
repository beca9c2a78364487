/** MD5 and HMAC-MD5 (RFC 2104) of NTLM, by Node. */
import { createHash, createHmac, type KeyObject, timingSafeEqual } from "node:crypto"

export const md5 = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hash = createHash("md5")
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** A key of many messages is best made a KeyObject once: that costs more than the digest of a short message. */
export const hmacMd5 = (key: Uint8Array | KeyObject, ...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const hmac = createHmac("md5", key)
  for (const part of parts) hmac.update(part)
  return new Uint8Array(hmac.digest())
}

/** Takes as long wherever they differ. */
export const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
