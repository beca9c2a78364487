/** Hashes, responses and keys of NTLMv2 with extended session security (MS-NLMP §3.3.2, §3.4.5). */
import { md4 } from "./Md4.ts"
import { concat, encodeUtf16 } from "./NtlmBytes.ts"
import { hmacMd5, md5 } from "./NtlmCrypto.ts"

export const ntHash = (password: string): Uint8Array => md4(encodeUtf16(password))

/** NTOWFv2: the user's name in capitals, the domain as it was given. */
export const responseKey = (hash: Uint8Array, userName: string, domain: string): Uint8Array =>
  hmacMd5(hash, encodeUtf16(userName.toUpperCase() + domain))

/** A FILETIME (100 ns since 1601) in 8 bytes. */
export const fileTime = (epochMillis: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, (BigInt(Math.floor(epochMillis)) + 11_644_473_600_000n) * 10_000n, true)
  return new Uint8Array(view.buffer)
}

export interface ResponseInput {
  readonly responseKey: Uint8Array
  readonly serverChallenge: Uint8Array
  /** 8 bytes. */
  readonly clientChallenge: Uint8Array
  /** FILETIME. */
  readonly time: Uint8Array
  /** AV pairs, encoded. */
  readonly targetInfo: Uint8Array
}

/** What a response proves by its first 16 bytes: `temp` is all that follows them. */
export const proofOf = (key: Uint8Array, serverChallenge: Uint8Array, temp: Uint8Array): Uint8Array =>
  hmacMd5(key, serverChallenge, temp)

/** SessionBaseKey, which is also the KeyExchangeKey. */
export const sessionBaseKey = (key: Uint8Array, proof: Uint8Array): Uint8Array => hmacMd5(key, proof)

/** Where temp holds the AV pairs. */
export const targetInfoAt = 28

export const ntResponse = (input: ResponseInput): { readonly response: Uint8Array; readonly baseKey: Uint8Array } => {
  const { responseKey: key, serverChallenge, time, clientChallenge, targetInfo } = input
  const temp = concat(
    Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 0),
    time,
    clientChallenge,
    new Uint8Array(4),
    targetInfo,
    new Uint8Array(4)
  )
  const proof = proofOf(key, serverChallenge, temp)
  return { response: concat(proof, temp), baseKey: sessionBaseKey(key, proof) }
}

/** Who speaks. */
export type NtlmRole = "client" | "server"

const ascii = new TextEncoder()

const derived = (sessionKey: Uint8Array, from: NtlmRole, purpose: "signing" | "sealing"): Uint8Array => {
  const direction = from === "client" ? "client-to-server" : "server-to-client"
  return md5(sessionKey, ascii.encode(`session key to ${direction} ${purpose} key magic constant\0`))
}

export const signKey = (sessionKey: Uint8Array, from: NtlmRole): Uint8Array => derived(sessionKey, from, "signing")

/** With 128 bits: of the whole session key. */
export const sealKey = (sessionKey: Uint8Array, from: NtlmRole): Uint8Array => derived(sessionKey, from, "sealing")
