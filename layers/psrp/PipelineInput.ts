/** A pipeline's input (MS-PSRP §2.2.2.17–18): as many values to a Send as an envelope takes, each Send answered before the next. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { concatBytes } from "./Fragment.ts"
import type { MessageBody } from "./Message.ts"
import { address, type PipelineChannel } from "./PipelineChannel.ts"
import { endOfPipelineInput, pipelineInput } from "./PipelineMessage.ts"
import { type PsrpError, TransportFailed } from "./PsrpError.ts"
import type { PsValue } from "./PsValue.ts"
import { holdsSecureString } from "./SecureString.ts"

/** Fragments gathered into pieces of at most `maxBytes`, in order. */
export const gather = (fragments: Iterable<Uint8Array>, maxBytes: number): Array<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  let open: Array<Uint8Array> = []
  let bytes = 0
  const close = () => {
    if (open.length > 0) pieces.push(concatBytes(open))
    open = []
    bytes = 0
  }
  for (const fragment of fragments) {
    if (bytes + fragment.length > maxBytes) close()
    open.push(fragment)
    bytes += fragment.length
  }
  close()
  return pieces
}

/** Sends all values, then the end. While it runs no output is received: a server keeps what a pipeline says meanwhile. */
export const sendInput = Effect.fn("Pipeline.sendInput")(function* (
  channel: PipelineChannel,
  input: Stream.Stream<PsValue>
): Effect.fn.Return<void, PsrpError> {
  const { wsman, shellId } = channel
  const send = (bodies: ReadonlyArray<MessageBody>) =>
    Effect.forEach(
      gather(
        bodies.flatMap((body) => address(channel, body)),
        wsman.maxFragmentBytes
      ),
      (piece) => wsman.send(shellId, "stdin", piece, channel.commandId),
      { discard: true }
    ).pipe(Effect.mapError((cause) => new TransportFailed({ cause, sent: true })))
  yield* Stream.runForEachArray(input, (values) =>
    Effect.gen(function* () {
      if (channel.cipher === undefined && values.some(holdsSecureString)) channel.cipher = yield* channel.sessionKey
      yield* send(values.map(pipelineInput))
    })
  )
  yield* send([endOfPipelineInput])
})
