/** RSA and AES of the session key exchange (MS-PSRP §3.1.5.4.3–5), by Node. */
import * as Redacted from "effect/Redacted"
import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  publicEncrypt
} from "node:crypto"
import type { SecureStringCipher } from "./SecureString.ts"
import type { RsaPublicKey } from "./SessionKeyMessage.ts"

const padding = constants.RSA_PKCS1_PADDING
/** Every secure string starts from the same vector: the protocol says so. */
const zeroVector = new Uint8Array(16)
const sessionKeyBytes = 32

let pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject } | undefined

/** One pair for the process, as PowerShell's client has it: making one takes a tenth of a second. */
const ownPair = () => (pair ??= generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 0x1_0001 }))

const unsigned = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64url"))

/** The client's half of the exchange. */
export const ownPublicKey = (): RsaPublicKey => {
  const { n = "", e = "" } = ownPair().publicKey.export({ format: "jwk" })
  return { modulus: unsigned(n), exponent: unsigned(e).reduce((sum, byte) => sum * 256 + byte, 0) }
}

/** A session key as SecureStrings use it; throws RangeError unless it has 32 bytes. */
export const cipherOf = (sessionKey: Uint8Array): SecureStringCipher => {
  if (sessionKey.length !== sessionKeyBytes) throw new RangeError(`a session key of ${sessionKey.length} bytes`)
  const key = Uint8Array.from(sessionKey)
  return {
    encrypt: (plain) => {
      const cipher = createCipheriv("aes-256-cbc", key, zeroVector)
      return Buffer.concat([cipher.update(Redacted.value(plain), "utf16le"), cipher.final()]).toString("base64")
    },
    decrypt: (sealed) => {
      const decipher = createDecipheriv("aes-256-cbc", key, zeroVector)
      try {
        const plain = Buffer.concat([decipher.update(sealed, "base64"), decipher.final()])
        return Redacted.make(plain.toString("utf16le"))
      } catch {
        // Node throws for a wrong length or padding alone: another key sealed it.
        return undefined
      }
    }
  }
}

/** Opens what a server encrypted for `ownPublicKey`; undefined when it was meant for another. */
export const openSessionKey = (encrypted: Uint8Array): SecureStringCipher | undefined => {
  try {
    const sessionKey = privateDecrypt({ key: ownPair().privateKey, padding }, encrypted)
    return sessionKey.length === sessionKeyBytes ? cipherOf(sessionKey) : undefined
  } catch {
    // Node throws for bytes that are no ciphertext of this key.
    return undefined
  }
}

/** The server's half: the session key for the client's eyes. Throws for numbers that are no RSA key. */
export const sealSessionKey = (client: RsaPublicKey, sessionKey: Uint8Array): Uint8Array => {
  const exponent = new Uint8Array(4)
  new DataView(exponent.buffer).setUint32(0, client.exponent)
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url")
  const key = createPublicKey({ format: "jwk", key: { kty: "RSA", n: text(client.modulus), e: text(exponent) } })
  return new Uint8Array(publicEncrypt({ key, padding }, sessionKey))
}
