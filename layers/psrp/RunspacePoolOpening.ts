/** The opening of a runspace pool after its Create: messages until the server says Opened (MS-PSRP §3.1.5.3). */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Message, MessageType } from "./Message.ts"
import type { PsrpError } from "./PsrpError.ts"
import {
  readPsVersion,
  readRunspacePoolState,
  readSessionCapability,
  RunspacePoolState
} from "./RunspacePoolMessage.ts"
import { awaitMessage, type RunspacePoolStreams } from "./RunspacePoolStreams.ts"

export interface Opened {
  /** The server's PowerShell, where it told. */
  readonly psVersion: string | undefined
  /** What the server speaks at most; "" where it did not say. */
  readonly protocolVersion: string
}

/**
 * Receives until the pool is open. Fails with PoolBroken when the server says so, with ProtocolViolation when it speaks
 * something else than protocol 2.2 or later, with the transport's errors otherwise.
 */
export const awaitOpened = Effect.fn("RunspacePool.awaitOpened")(function* <E>(
  streams: RunspacePoolStreams<E>
): Effect.fn.Return<Opened, PsrpError | E> {
  let psVersion: string | undefined
  let protocolVersion = ""
  const read = (message: Message): Result.Result<Opened | undefined, { readonly message: string }> => {
    switch (message.type) {
      case MessageType.SessionCapability:
        return Result.flatMap(readSessionCapability(message.data), (capability) => {
          protocolVersion = capability.protocolVersion
          return /^2\.(?:[2-9]|\d\d)/.test(protocolVersion)
            ? Result.succeed(undefined)
            : Result.fail({ message: `the server speaks protocol ${protocolVersion}, not 2.2 or later` })
        })
      case MessageType.ApplicationPrivateData:
        psVersion = readPsVersion(message.data)
        return Result.succeed(undefined)
      case MessageType.RunspacePoolState:
        return Result.map(readRunspacePoolState(message.data), ({ state }) =>
          state === RunspacePoolState.Opened ? { psVersion, protocolVersion } : undefined
        )
      default:
        return Result.succeed(undefined)
    }
  }
  return yield* awaitMessage(streams, read, "while opening", false)
})
