/** What a runspace pool itself says and is told, beside its pipelines. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { StreamName } from "../wsman/Wsman.ts"
import type { Received } from "../wsman/WsmanReceive.ts"
import { Defragmenter, type ObjectSequence } from "./Fragment.ts"
import { expectsAnswer, readHostCall, refuseHostCall } from "./HostCall.ts"
import { type Message, type MessageBody, MessageType, messageTypeName } from "./Message.ts"
import { messagesOf } from "./PipelineChannel.ts"
import { PoolBroken, ProtocolViolation } from "./PsrpError.ts"
import { hasEnded, readRunspacePoolState, type RunspacePoolStateMessage } from "./RunspacePoolMessage.ts"

/** `E`: what the transport fails with. */
export interface RunspacePoolStreams<E> {
  readonly send: (body: MessageBody, stream: StreamName) => Effect.Effect<void, E>
  readonly receive: Effect.Effect<Received, E>
  /** How far the server's objects have come. */
  readonly sequence: ObjectSequence
}

/** The server says that the pool has ended, and why. */
export const poolEnded = ({ state, error }: RunspacePoolStateMessage, during: string, sent: boolean): PoolBroken =>
  new PoolBroken({ reason: `state ${state} ${during}`, sent, ...(error === undefined ? {} : { record: error }) })

/**
 * Receives until `read` makes something of a message; those it answers undefined to are passed over. Questions to the
 * host are refused. Fails with PoolBroken when the pool ends meanwhile, `during` what.
 */
export const awaitMessage = Effect.fnUntraced(function* <A, E>(
  streams: RunspacePoolStreams<E>,
  read: (message: Message) => Result.Result<A | undefined, { readonly message: string }>,
  during: string,
  sent: boolean
): Effect.fn.Return<A, ProtocolViolation | PoolBroken | E> {
  const violation = (error: { readonly message: string }) => new ProtocolViolation({ reason: error.message, sent })
  const defragmenter = new Defragmenter({ sequence: streams.sequence })
  for (;;) {
    const received = yield* streams.receive
    const messages = yield* Effect.fromResult(Result.mapError(messagesOf(defragmenter, received, undefined), violation))
    for (const message of messages) {
      yield* Effect.logDebug("PSRP message of the pool").pipe(
        Effect.annotateLogs({ type: messageTypeName(message.type) })
      )
      if (message.type === MessageType.RunspacePoolState) {
        const pool = yield* Effect.fromResult(Result.mapError(readRunspacePoolState(message.data), violation))
        if (hasEnded(pool)) return yield* poolEnded(pool, during, sent)
      }
      if (message.type === MessageType.RunspacePoolHostCall) {
        const call = yield* Effect.fromResult(Result.mapError(readHostCall(message.data), violation))
        if (expectsAnswer(call)) yield* streams.send(refuseHostCall(call, MessageType.RunspacePoolHostResponse), "pr")
      }
      const answer = yield* Effect.fromResult(Result.mapError(read(message), violation))
      if (answer !== undefined) return answer
    }
    if (received.state === "Done") return yield* new PoolBroken({ reason: `the shell ended ${during}`, sent })
  }
})
