/** The messages of one PSRP session, server's side: numbered, sealed and cut on their way out, put together on their way in. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type Defragmenter, splitMessage } from "../../../layers/psrp/Fragment.ts"
import {
  decodeMessage,
  emptyGuid,
  encodeMessage,
  type Message,
  type MessageBody
} from "../../../layers/psrp/Message.ts"
import type { SecureStringCipher } from "../../../layers/psrp/SecureString.ts"
import type { Outbox } from "./Outbox.ts"
import { PluginRefusal } from "./Plugin.ts"

export interface PsrpWire {
  /** Lower-case GUID. */
  readonly poolId: string
  /** From now on secure strings are sealed and opened. */
  readonly seal: (cipher: SecureStringCipher) => void
  /** A message as fragments; of the pool itself unless a pipeline is named. */
  readonly fragments: (body: MessageBody, pipelineId?: string, runspacePoolId?: string) => Array<Uint8Array>
  /** PowerShell flushes what a pool says, and lets the listener collect what a pipeline says. */
  readonly toPool: (outbox: Outbox, body: MessageBody, runspacePoolId?: string) => void
  readonly toPipeline: (outbox: Outbox, body: MessageBody, pipelineId: string) => void
  /** The messages that these bytes complete. */
  readonly read: (from: Defragmenter, data: Uint8Array) => Effect.Effect<ReadonlyArray<Message>, PluginRefusal>
}

const headerBytes = 40
const byteOrderMark = [0xef, 0xbb, 0xbf]

/** Windows writes a byte order mark before each body. */
const withByteOrderMark = (message: Uint8Array): Uint8Array => {
  if (message.length === headerBytes) return message
  const marked = new Uint8Array(message.length + byteOrderMark.length)
  marked.set(message.subarray(0, headerBytes))
  marked.set(byteOrderMark, headerBytes)
  marked.set(message.subarray(headerBytes), headerBytes + byteOrderMark.length)
  return marked
}

const refuse = (error: { readonly message: string }) => new PluginRefusal({ reason: error.message })

/** `fragmentBytes`: of a whole fragment, its header included. */
export const make = (shellId: string, fragmentBytes: number): PsrpWire => {
  const poolId = shellId.toLowerCase()
  let objects = 0n
  let cipher: SecureStringCipher | undefined

  const fragments: PsrpWire["fragments"] = (body, pipelineId = emptyGuid, runspacePoolId = poolId) => {
    const message = encodeMessage({ ...body, destination: "client", runspacePoolId, pipelineId }, cipher)
    return splitMessage(++objects, withByteOrderMark(message), fragmentBytes)
  }
  const push = (outbox: Outbox, data: ReadonlyArray<Uint8Array>, flush: boolean): void =>
    outbox.push(
      data.map((fragment) => ({ stream: "stdout", data: fragment })),
      flush
    )
  return {
    poolId,
    seal: (key) => {
      cipher = key
    },
    fragments,
    toPool: (outbox, body, runspacePoolId) => push(outbox, fragments(body, emptyGuid, runspacePoolId), true),
    toPipeline: (outbox, body, pipelineId) => push(outbox, fragments(body, pipelineId), false),
    read: Effect.fnUntraced(function* (from, data) {
      const whole = yield* Effect.mapError(Effect.fromResult(from.push(data)), refuse)
      return yield* Effect.forEach(whole, (bytes) =>
        Effect.fromResult(Result.mapError(decodeMessage(bytes, cipher), refuse))
      )
    })
  }
}
