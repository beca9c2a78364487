/** The key exchange of an open runspace pool (MS-PSRP §3.1.5.4.3–5): our public key out, the server's session key back. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Wsman } from "../wsman/Wsman.ts"
import { Defragmenter, splitMessage } from "./Fragment.ts"
import { emptyGuid, encodeMessage, MessageType } from "./Message.ts"
import { messagesOf } from "./Pipeline.ts"
import { PoolBroken, ProtocolViolation, type PsrpError, TransportFailed } from "./PsrpError.ts"
import { readRunspacePoolState, RunspacePoolState } from "./RunspacePoolMessage.ts"
import type { SecureStringCipher } from "./SecureString.ts"
import { openSessionKey, ownPublicKey } from "./SessionKeyCrypto.ts"
import { publicKey, readEncryptedSessionKey } from "./SessionKeyMessage.ts"

const violation = (reason: string) => new ProtocolViolation({ reason, sent: false })

/**
 * Costs a Send and a Receive. No command is under way: every error says `sent: false`, and leaves the pool in a state
 * that nobody knows.
 */
export const exchangeSessionKey = Effect.fn("RunspacePool.exchangeSessionKey")(function* (
  wsman: Wsman,
  shellId: string,
  runspacePoolId: string,
  nextObjectId: () => bigint
): Effect.fn.Return<SecureStringCipher, PsrpError> {
  const unsent = Effect.mapError((cause: TransportFailed["cause"]) => new TransportFailed({ cause, sent: false }))
  const message = encodeMessage({
    destination: "server",
    runspacePoolId,
    pipelineId: emptyGuid,
    ...publicKey(ownPublicKey())
  })
  for (const fragment of splitMessage(nextObjectId(), message, wsman.maxFragmentBytes))
    yield* unsent(wsman.send(shellId, "stdin", fragment))
  const defragmenter = new Defragmenter()
  for (;;) {
    const received = yield* unsent(wsman.receive(shellId))
    const messages = messagesOf(defragmenter, received, undefined)
    if (Result.isFailure(messages)) return yield* violation(messages.failure.message)
    for (const { type, data } of messages.success) {
      if (type === MessageType.EncryptedSessionKey) {
        const encrypted = readEncryptedSessionKey(data)
        if (Result.isFailure(encrypted)) return yield* violation(encrypted.failure.message)
        const cipher = openSessionKey(encrypted.success)
        return cipher ?? (yield* violation("the session key was encrypted for another client"))
      }
      if (type !== MessageType.RunspacePoolState) continue
      const state = readRunspacePoolState(data)
      if (Result.isFailure(state)) return yield* violation(state.failure.message)
      if (state.success.state === RunspacePoolState.Broken || state.success.state === RunspacePoolState.Closed)
        return yield* new PoolBroken({
          reason: `state ${state.success.state} during the key exchange`,
          sent: false,
          ...(state.success.error === undefined ? {} : { record: state.success.error })
        })
    }
    if (received.state === "Done")
      return yield* new PoolBroken({ reason: "the shell ended during the key exchange", sent: false })
  }
})
