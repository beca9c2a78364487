/** The opening of a runspace pool after its Create: messages until the server says Opened (MS-PSRP §3.1.5.3). */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Wsman } from "../wsman/Wsman.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { Defragmenter } from "./Fragment.ts"
import { type Message, MessageType, messageTypeName } from "./Message.ts"
import { messagesOf } from "./Pipeline.ts"
import { PoolBroken, ProtocolViolation, type PsrpError } from "./PsrpError.ts"
import {
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability,
  RunspacePoolState
} from "./RunspacePoolMessage.ts"

/**
 * Receives until the pool is open; answers the server's PowerShell version. Fails with PoolBroken when the server says so,
 * with ProtocolViolation when it speaks something else than protocol 2.2 or later, with the transport's errors otherwise.
 */
export const awaitOpened = Effect.fn("RunspacePool.awaitOpened")(function* (
  wsman: Wsman,
  shellId: string
): Effect.fn.Return<string | undefined, PsrpError | WsmanError> {
  const defragmenter = new Defragmenter()
  let psVersion: string | undefined
  const read = (message: Message): Result.Result<boolean, PsrpError> => {
    const violation = (error: { readonly message: string }) =>
      new ProtocolViolation({ reason: error.message, sent: false })
    switch (message.type) {
      case MessageType.SessionCapability:
        return Result.flatMap(Result.mapError(readSessionCapability(message.data), violation), ({ protocolVersion }) =>
          /^2\.(?:[2-9]|\d\d)/.test(protocolVersion)
            ? Result.succeed(false)
            : Result.fail(
                new ProtocolViolation({
                  reason: `the server speaks protocol ${protocolVersion}, not 2.2 or later`,
                  sent: false
                })
              )
        )
      case MessageType.ApplicationPrivateData:
        psVersion = readPsVersion(message.data)
        return Result.succeed(false)
      case MessageType.RunspacePoolState:
        return Result.flatMap(Result.mapError(readRunspacePoolState(message.data), violation), ({ state, error }) =>
          state === RunspacePoolState.Broken || state === RunspacePoolState.Closed
            ? Result.fail(
                new PoolBroken({
                  reason: `state ${state} while opening`,
                  sent: false,
                  ...(error === undefined ? {} : { record: error })
                })
              )
            : Result.succeed(state === RunspacePoolState.Opened)
        )
      default:
        return Result.succeed(false)
    }
  }
  for (;;) {
    const received = yield* wsman.receive(shellId)
    const messages = messagesOf(defragmenter, received, undefined)
    if (Result.isFailure(messages))
      return yield* new ProtocolViolation({ reason: messages.failure.message, sent: false })
    for (const message of messages.success) {
      yield* Effect.logDebug("PSRP message while opening").pipe(
        Effect.annotateLogs({ type: messageTypeName(message.type) })
      )
      const opened = read(message)
      if (Result.isFailure(opened)) return yield* Effect.fail(opened.failure)
      if (opened.success) return psVersion
    }
    if (received.state === "Done")
      return yield* new PoolBroken({ reason: "the shell ended while opening", sent: false })
  }
})
