/** A Receive that does its best to be answered: time-outs, lost answers and disconnected shells end nothing. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { isDisconnected, isForgotten } from "./ShellRevival.ts"
import type { Receive } from "./SoapOperation.ts"
import { readReceived } from "./SoapResponseReader.ts"
import type { SoapElement } from "./SoapXml.ts"
import { read } from "./WsmanCall.ts"
import type { WsmanError } from "./WsmanError.ts"

export interface Received {
  /** In the order of the envelope; one data may hold several fragments. */
  readonly streams: ReadonlyArray<{ readonly name: string; readonly commandId?: string; readonly data: Uint8Array }>
  readonly state?: "Pending" | "Running" | "Done"
  /** An earlier answer was lost: this one, or a later one, should hold what was in that. */
  readonly repeated?: boolean
}

/** From one Receive to the next, when the first timed out. */
const leastWaitMillis = 1000

/** `call`: of the shell concerned. `revived`: takes the shell up again, where the listener has put it aside. */
export const receiveFrom = Effect.fnUntraced(function* (
  call: (operation: Receive, onRepeat: () => void) => Effect.Effect<SoapElement, WsmanError>,
  revived: Effect.Effect<void, WsmanError>,
  commandId: string | undefined
): Effect.fn.Return<Received, WsmanError> {
  const operation: Receive = { _tag: "Receive", ...(commandId !== undefined && { commandId }), streams: ["stdout"] }
  const began = yield* Clock.currentTimeMillis
  let repeated = false
  const attempt = call(operation, () => {
    repeated = true
  })
  return yield* attempt.pipe(
    Effect.catchIf(
      (error) => isDisconnected(error) || isForgotten(error),
      () => {
        repeated = true
        return Effect.andThen(revived, attempt)
      }
    ),
    Effect.flatMap((body) => Effect.map(read(readReceived(body)), (received): Received => ({ ...received, repeated }))),
    Effect.catchIf(
      (error) => error._tag === "WsmanFault" && error.classification === "operationTimeout",
      () =>
        Effect.gen(function* () {
          // A listener that does not wait must not be asked without pause.
          const waited = (yield* Clock.currentTimeMillis) - began
          yield* Effect.sleep(Math.min(leastWaitMillis, Math.max(0, leastWaitMillis - waited)))
          return { streams: [], repeated } satisfies Received
        })
    )
  )
})
