/** Sealed messages of one NTLM session (MS-NLMP §3.4): encrypted, signed and numbered, each direction for itself. */
import * as Result from "effect/Result"
import { createSecretKey } from "node:crypto"
import { uint32 } from "./NtlmBytes.ts"
import { equal, hmacMd5 } from "./NtlmCrypto.ts"
import { NtlmError } from "./NtlmError.ts"
import { type NtlmRole, sealKey, signKey } from "./NtlmKeys.ts"
import * as Rc4 from "./Rc4.ts"
import { concat } from "./NtlmBytes.ts"

export interface SealedMessage {
  /** 16 bytes. */
  readonly signature: Uint8Array
  /** As long as the message. */
  readonly data: Uint8Array
}

/**
 * Guarantees: messages are unsealed in the order in which they were sealed, or not at all: one that was changed, repeated,
 * left out or reordered is refused, and so is every later one.
 * Mutable: both key streams and both numbers go on with each message.
 */
export interface NtlmSecurity {
  readonly seal: (message: Uint8Array) => SealedMessage
  readonly unseal: (sealed: SealedMessage) => Result.Result<Uint8Array, NtlmError>
  /** Signature of the list of mechanisms that SPNEGO agreed on; the key stream begins anew after it, the numbers go on. */
  readonly signMechanisms: (list: Uint8Array) => Uint8Array
  /** Whether this is the other side's. */
  readonly holdsMechanisms: (list: Uint8Array, signature: Uint8Array) => boolean
}

const channel = (sessionKey: Uint8Array, from: NtlmRole) => {
  const begin = () => Rc4.make(sealKey(sessionKey, from))
  let stream = begin()
  const key = createSecretKey(signKey(sessionKey, from))
  let sequence = 0
  /** Of the message that went through the stream just before: its checksum takes the stream's next bytes. */
  const sign = (message: Uint8Array): Uint8Array => {
    const number = uint32(sequence++ >>> 0)
    const checksum = stream.apply(hmacMd5(key, number, message).subarray(0, 8))
    return concat(Uint8Array.of(1, 0, 0, 0), checksum, number)
  }
  return {
    apply: (bytes: Uint8Array) => stream.apply(bytes),
    sign,
    signAlone: (message: Uint8Array): Uint8Array => {
      const signature = sign(message)
      stream = begin()
      return signature
    }
  }
}

/** `sessionKey`: the ExportedSessionKey. */
export const make = (sessionKey: Uint8Array, role: NtlmRole): NtlmSecurity => {
  const out = channel(sessionKey, role)
  const into = channel(sessionKey, role === "client" ? "server" : "client")
  let broken = false
  return {
    seal: (message) => {
      const data = out.apply(message)
      return { signature: out.sign(message), data }
    },
    unseal: ({ signature, data }) => {
      if (!broken) {
        const message = into.apply(data)
        if (equal(into.sign(message), signature)) return Result.succeed(message)
      }
      broken = true
      return Result.fail(new NtlmError({ reason: "tampered", detail: "the signature of a sealed message is wrong" }))
    },
    signMechanisms: out.signAlone,
    holdsMechanisms: (list, signature) => equal(into.signAlone(list), signature)
  }
}
