/** Shells of a WinRM listener: the WS-Management operations that carry PSRP (MS-WSMV §3.1). */
import type * as Effect from "effect/Effect"
import type { WsmanError } from "./WsmanError.ts"

export type StreamName = "stdin" | "pr"

export interface Received {
  /** In the order of the envelope; one data may hold several fragments. */
  readonly streams: ReadonlyArray<{ readonly name: string; readonly commandId?: string; readonly data: Uint8Array }>
  readonly state?: "Pending" | "Running" | "Done"
}

export interface Wsman {
  /** `shellId`: the runspace pool's id in upper case. `creationXml`: SESSION_CAPABILITY and INIT_RUNSPACEPOOL. */
  readonly create: (options: {
    readonly shellId: string
    readonly creationXml: Uint8Array
    readonly idleTimeoutSeconds: number
    readonly name?: string
  }) => Effect.Effect<{ readonly shellId: string }, WsmanError>
  /** Starts a pipeline with the first fragments of CREATE_PIPELINE; the id that the server answers counts. */
  readonly command: (
    shellId: string,
    commandId: string,
    firstFragments: Uint8Array
  ) => Effect.Effect<{ readonly commandId: string }, WsmanError>
  readonly send: (
    shellId: string,
    stream: StreamName,
    data: Uint8Array,
    commandId?: string
  ) => Effect.Effect<void, WsmanError>
  /** Waits for output for at most the operation timeout; when there is none, answers no streams and no state. */
  readonly receive: (shellId: string, commandId?: string) => Effect.Effect<Received, WsmanError>
  readonly signal: (shellId: string, commandId: string, code: string) => Effect.Effect<void, WsmanError>
  /** A shell that is gone counts as deleted. */
  readonly delete: (shellId: string) => Effect.Effect<void, WsmanError>
  /** What one Command or Send carries: bytes of encoded fragments, their headers included. */
  readonly maxFragmentBytes: number
  /** HTTP exchanges so far. */
  readonly exchanges: Effect.Effect<number>
}
