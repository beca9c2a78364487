/** The key exchange of an open runspace pool (MS-PSRP §3.1.5.4.3–5): our public key out, the server's session key back. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { MessageType } from "./Message.ts"
import type { PsrpError } from "./PsrpError.ts"
import { awaitMessage, type RunspacePoolStreams } from "./RunspacePoolStreams.ts"
import type { SecureStringCipher } from "./SecureString.ts"
import { openSessionKey, ownPublicKey } from "./SessionKeyCrypto.ts"
import { publicKey, readEncryptedSessionKey } from "./SessionKeyMessage.ts"

/** Costs a Send and a Receive. `sent`: whether a command is under way; after an error nobody knows the pool's state. */
export const exchangeSessionKey = Effect.fn("RunspacePool.exchangeSessionKey")(function* <E>(
  streams: RunspacePoolStreams<E>,
  sent: boolean
): Effect.fn.Return<SecureStringCipher, PsrpError | E> {
  yield* streams.send(publicKey(ownPublicKey()), "stdin")
  return yield* awaitMessage(
    streams,
    (message): Result.Result<SecureStringCipher | undefined, { readonly message: string }> => {
      if (message.type !== MessageType.EncryptedSessionKey) return Result.succeed(undefined)
      return Result.flatMap(readEncryptedSessionKey(message.data), (encrypted) => {
        const cipher = openSessionKey(encrypted)
        return cipher === undefined
          ? Result.fail({ message: "the session key was encrypted for another client" })
          : Result.succeed(cipher)
      })
    },
    "during the key exchange",
    sent
  )
})
