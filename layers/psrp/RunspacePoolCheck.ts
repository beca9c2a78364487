/** Whether an idle pool's shell is still there, and connected. */
import * as Effect from "effect/Effect"
import type { ShellState } from "../wsman/SoapShell.ts"
import type { WsmanError } from "../wsman/WsmanError.ts"
import { PoolBroken, type PsrpError, TransportFailed } from "./PsrpError.ts"

export interface ShellCheck {
  /** What the shell's process takes, to the MiB; undefined where the listener does not tell. */
  readonly memoryUsedBytes: number | undefined
}

const failed = (cause: WsmanError) => new TransportFailed({ cause, sent: false })
const lost = (cause: WsmanError) => new PoolBroken({ reason: cause.message, sent: false })

/**
 * One Get; and a Reconnect where the listener has disconnected the shell, as Windows does after some minutes without a
 * request. Fails with PoolBroken when the shell is lost, with the transport's error when nobody knows.
 */
export const checkShell = Effect.fn("RunspacePool.check")(function* (
  get: Effect.Effect<ShellState, WsmanError>,
  reconnect: Effect.Effect<void, WsmanError>
): Effect.fn.Return<ShellCheck, PsrpError> {
  const shell = yield* Effect.mapError(get, (error) =>
    error._tag === "WsmanFault" && error.classification === "invalidSelectors" ? lost(error) : failed(error)
  )
  if (shell.state === "Disconnected") {
    yield* Effect.logInfo("reconnecting a shell that was idle").pipe(Effect.annotateLogs({ shell_id: shell.shellId }))
    yield* Effect.mapError(reconnect, (error) => (error._tag === "WsmanFault" ? lost(error) : failed(error)))
  }
  return { memoryUsedBytes: shell.memoryUsedBytes }
})
