/** How messages leave: piece by piece, each answered before the next. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Wsman } from "../wsman/Wsman.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { FragmentCutter, type OutgoingMessage } from "./FragmentCutter.ts"

const isTooLarge = (error: WsmanError): boolean =>
  error._tag === "WsmanFault" && error.classification === "envelopeTooLarge"

/**
 * A piece that the listener refused as too large goes out again in smaller ones, of which `wsman` then knows: nothing of it
 * was looked at. Any other failure ends it.
 */
export const transmit = Effect.fnUntraced(function* (
  wsman: Pick<Wsman, "maxFragmentBytes">,
  messages: ReadonlyArray<OutgoingMessage>,
  post: (piece: Uint8Array) => Effect.Effect<void, WsmanError>
): Effect.fn.Return<void, WsmanError> {
  const cutter = new FragmentCutter(messages)
  for (;;) {
    const limit = wsman.maxFragmentBytes
    const piece = cutter.next(limit)
    if (piece === undefined) return
    const posted = yield* Effect.result(post(piece))
    if (Result.isSuccess(posted)) cutter.accept()
    else if (!isTooLarge(posted.failure) || wsman.maxFragmentBytes >= limit) return yield* posted.failure
    else yield* Effect.logInfo("the listener takes smaller envelopes than is usual: sending smaller ones")
  }
})
