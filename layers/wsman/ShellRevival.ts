/** A shell that the listener disconnected, or whose connection it forgot, taken up again. */
import * as Effect from "effect/Effect"
import { FaultCode } from "./Fault.ts"
import type { ShellState } from "./SoapShell.ts"
import type { WsmanError } from "./WsmanError.ts"

/** Says so by a fault, and did nothing. */
export const isDisconnected = (error: WsmanError): boolean =>
  error._tag === "WsmanFault" && error.classification === "disconnected"

/** A Reconnect found the shell connected: by an earlier one. */
export const isConnected = (error: WsmanError): boolean =>
  error._tag === "WsmanFault" && error.code === FaultCode.ShellAlreadyConnected

/**
 * An empty HTTP 400: the shell is disconnected, or encryption state was lost, which a new connection cures; what the request
 * did nobody knows.
 */
export const isForgotten = (error: WsmanError): boolean => error._tag === "WsmanProtocol" && error.status === 400

/** Asks for the shell's state and reconnects it where that is needed. Fails where the shell is gone or another client's. */
export const revive = (
  get: Effect.Effect<ShellState, WsmanError>,
  reconnect: Effect.Effect<void, WsmanError>
): Effect.Effect<void, WsmanError> =>
  get.pipe(
    Effect.flatMap(({ state }) => (state === "Disconnected" ? reconnect : Effect.void)),
    Effect.tap(() => Effect.logInfo("took up a shell that the listener had put aside")),
    Effect.withSpan("Wsman.revive")
  )
