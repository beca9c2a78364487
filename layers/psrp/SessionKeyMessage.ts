/** PUBLIC_KEY, ENCRYPTED_SESSION_KEY and PUBLIC_KEY_REQUEST (MS-PSRP §2.2.2.3–5): CryptoAPI's key blobs in base64. */
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { type MessageBody, MessageError, MessageType } from "./Message.ts"
import { bag, property } from "./PsObject.ts"
import type { PsValue } from "./PsValue.ts"

export interface RsaPublicKey {
  /** 256 bytes, big-endian. */
  readonly modulus: Uint8Array
  readonly exponent: number
}

const modulusBytes = 256

/** PUBLICKEYBLOB of version 2 for CALG_RSA_KEYX, then "RSA1" and 2048 bits. */
const publicKeyHeader = [6, 2, 0, 0, 0, 0xa4, 0, 0, 0x52, 0x53, 0x41, 0x31, 0, 8, 0, 0]
/** SIMPLEBLOB of version 2 with a CALG_AES_256 key, encrypted for CALG_RSA_KEYX. */
const sessionKeyHeader = [1, 2, 0, 0, 0x10, 0x66, 0, 0, 0, 0xa4, 0, 0]

/** CryptoAPI writes numbers little-endian. */
const reversed = (bytes: Uint8Array): Uint8Array => bytes.toReversed()

const blobOf = (data: PsValue, name: string, header: ReadonlyArray<number>, bytes: number) => {
  const refuse = (reason: string) => Result.fail(new MessageError({ reason: `${name} ${reason}` }))
  const text = property(data, name)
  const blob = typeof text === "string" ? Result.getOrUndefined(Base64.decode(text)) : undefined
  if (blob === undefined) return refuse("without a key")
  if (header.some((byte, at) => blob[at] !== byte)) return refuse("with a key of another kind")
  return blob.length === header.length + bytes
    ? Result.succeed(blob.subarray(header.length))
    : refuse(`with a key of ${blob.length} bytes`)
}

export const publicKey = (key: RsaPublicKey): MessageBody => {
  const exponent = new Uint8Array(4)
  new DataView(exponent.buffer).setUint32(0, key.exponent, true)
  const blob = Uint8Array.from([...publicKeyHeader, ...exponent, ...reversed(key.modulus)])
  return { type: MessageType.PublicKey, data: bag({ PublicKey: Base64.encode(blob) }) }
}

export const readPublicKey = (data: PsValue): Result.Result<RsaPublicKey, MessageError> =>
  Result.map(blobOf(data, "PublicKey", publicKeyHeader, 4 + modulusBytes), (blob) => ({
    exponent: new DataView(blob.buffer, blob.byteOffset).getUint32(0, true),
    modulus: reversed(blob.subarray(4))
  }))

/** `encrypted`: 256 bytes, big-endian, as RSA gives them. */
export const encryptedSessionKey = (encrypted: Uint8Array): MessageBody => ({
  type: MessageType.EncryptedSessionKey,
  data: bag({ EncryptedSessionKey: Base64.encode(Uint8Array.from([...sessionKeyHeader, ...reversed(encrypted)])) })
})

export const readEncryptedSessionKey = (data: PsValue): Result.Result<Uint8Array, MessageError> =>
  Result.map(blobOf(data, "EncryptedSessionKey", sessionKeyHeader, modulusBytes), reversed)
