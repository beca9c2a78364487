/** Requests to an open runspace pool itself, beside its pipelines: their time limit, and what their failure means. */
import * as Effect from "effect/Effect"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { PoolBroken, type PsrpError, TransportFailed } from "./PsrpError.ts"
import type { RunspacePoolHealth } from "./RunspacePoolHealth.ts"
import type { RunspacePoolStreams } from "./RunspacePoolStreams.ts"

/**
 * A request that fails, takes too long or is given up leaves the pool in a state that nobody knows: it is broken. `sent`:
 * whether a command is under way.
 */
export const ask = <A>(
  pool: {
    readonly streams: RunspacePoolStreams<WsmanError>
    readonly health: RunspacePoolHealth
    readonly timeoutSeconds: number
  },
  what: string,
  sent: boolean,
  request: (streams: RunspacePoolStreams<TransportFailed>) => Effect.Effect<A, PsrpError>
): Effect.Effect<A, PsrpError> => {
  const { streams, health, timeoutSeconds } = pool
  const failed = Effect.mapError((cause: WsmanError) => new TransportFailed({ cause, sent }))
  return request({
    sequence: streams.sequence,
    send: (body, stream) => failed(streams.send(body, stream)),
    receive: failed(streams.receive)
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${timeoutSeconds} seconds`,
      orElse: () => Effect.fail(new PoolBroken({ reason: `no answer to the ${what} after ${timeoutSeconds} s`, sent }))
    }),
    Effect.tapError((error) => Effect.sync(() => health.markBroken(error.message))),
    Effect.onInterrupt(() => Effect.sync(() => health.markBroken(`interrupted during the ${what}`)))
  )
}
