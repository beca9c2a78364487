/** A pipeline's input (MS-PSRP §2.2.2.17–18): as many values to a Send as an envelope takes, each Send answered before the next. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { MessageBody } from "./Message.ts"
import { address, type PipelineChannel } from "./PipelineChannel.ts"
import { endOfPipelineInput, pipelineInput } from "./PipelineMessage.ts"
import { type PsrpError, TransportFailed } from "./PsrpError.ts"
import type { PsValue } from "./PsValue.ts"
import { holdsSecureString } from "./SecureString.ts"
import { transmit } from "./Transmission.ts"

/** Sends all values, then the end. While it runs no output is received: a server keeps what a pipeline says meanwhile. */
export const sendInput = Effect.fn("Pipeline.sendInput")(function* (
  channel: PipelineChannel,
  input: Stream.Stream<PsValue>
): Effect.fn.Return<void, PsrpError> {
  const { wsman, shellId } = channel
  const send = (bodies: ReadonlyArray<MessageBody>) =>
    transmit(
      wsman,
      bodies.map((body) => address(channel, body)),
      (piece) => wsman.send(shellId, "stdin", piece, channel.commandId)
    ).pipe(Effect.mapError((cause) => new TransportFailed({ cause, sent: true })))
  yield* Stream.runForEachArray(input, (values) =>
    Effect.gen(function* () {
      if (channel.cipher === undefined && values.some(holdsSecureString)) channel.cipher = yield* channel.sessionKey
      yield* send(values.map(pipelineInput))
    })
  )
  yield* send([endOfPipelineInput])
})
