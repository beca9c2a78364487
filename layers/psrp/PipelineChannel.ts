/** Where a pipeline runs, and how its messages become fragments there and back. */
import type * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Wsman } from "../wsman/Wsman.ts"
import type { Received } from "../wsman/WsmanReceive.ts"
import type { Defragmenter, ObjectSequence } from "./Fragment.ts"
import type { OutgoingMessage } from "./FragmentCutter.ts"
import { decodeMessage, encodeMessage, type Message, type MessageBody } from "./Message.ts"
import type { PsrpError } from "./PsrpError.ts"
import type { SecureStringCipher } from "./SecureString.ts"

export interface PipelineChannel {
  readonly wsman: Wsman
  readonly shellId: string
  readonly runspacePoolId: string
  /** Upper-case GUID of the WSMan command: ours, until the server's answer to Command names its own. */
  commandId: string
  /** Whether the server has answered the Command. */
  accepted: boolean
  /** The id, as PSRP's messages name it. */
  readonly pipelineId: string
  /** ObjectIds grow over all messages of a session. */
  readonly nextObjectId: () => bigint
  /** How far the server's objects have come. */
  readonly sequence: ObjectSequence
  /** The session key, once it was exchanged: by `sessionKey`, where input or output is the first to hold a secret. */
  cipher: SecureStringCipher | undefined
  readonly sessionKey: Effect.Effect<SecureStringCipher, PsrpError>
}

/** Messages that one Receive completes, of the pool (`commandId` absent) or of one command. */
export const messagesOf = (
  defragmenter: Defragmenter,
  received: Received,
  commandId: string | undefined,
  cipher?: SecureStringCipher
): Result.Result<Array<Message>, { readonly message: string }> => {
  if (received.repeated === true) defragmenter.resume()
  const messages: Array<Message> = []
  for (const stream of received.streams) {
    if (stream.commandId !== undefined && stream.commandId.toLowerCase() !== commandId?.toLowerCase()) continue
    const whole = defragmenter.push(stream.data)
    if (Result.isFailure(whole)) return Result.fail(whole.failure)
    for (const bytes of whole.success) {
      const message = decodeMessage(bytes, cipher)
      if (Result.isFailure(message)) return Result.fail(message.failure)
      messages.push(message.success)
    }
  }
  return Result.succeed(messages)
}

/** A message to this pipeline. */
export const address = (channel: PipelineChannel, body: MessageBody): OutgoingMessage => ({
  objectId: channel.nextObjectId(),
  bytes: encodeMessage(
    { destination: "server", runspacePoolId: channel.runspacePoolId, pipelineId: channel.pipelineId, ...body },
    channel.cipher
  )
})
