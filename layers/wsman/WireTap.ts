/** A place to listen to the envelopes that lanes exchange, in the clear; nobody does unless a recording was asked for. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Credentials } from "./Credentials.ts"
import type { WsmanError } from "./WsmanError.ts"

/** An envelope and what came of it. Holds secrets. */
export interface TappedExchange {
  readonly lane: string
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly millis: number
  readonly request: string
  /** Of the last HTTP answer, if any came. */
  readonly status: number | undefined
  /** The envelope that came back. */
  readonly outcome: Exit.Exit<string, WsmanError>
}

export interface TappedClient {
  /** scheme://host:port */
  readonly origin: string
  readonly credentials: Credentials
  /** Takes all secrets that are known out of a text, the password among them. */
  readonly scrub: ((text: string) => string) | undefined
}

/** Told of each exchange when it has ended, before the lane goes on. */
export type Listener = (exchange: TappedExchange) => Effect.Effect<void>

/** Makes a listener for one client of a WinRM listener, for as long as the client lives; undefined: nobody listens. */
export const WireTap = Context.Reference<
  ((client: TappedClient) => Effect.Effect<Listener, never, Scope.Scope>) | undefined
>("capscvmm/layers/WireTap", { defaultValue: () => undefined })

/** The exchange, with a listener who is told of it however it ends. */
export const tapped = (
  listener: Listener,
  exchange: Effect.Effect<string, WsmanError>,
  known: { readonly lane: string; readonly request: string; readonly status: () => number | undefined }
): Effect.Effect<string, WsmanError> =>
  Effect.flatMap(Clock.currentTimeMillis, (startedAt) =>
    Effect.onExit(exchange, (outcome) =>
      Effect.flatMap(Clock.currentTimeMillis, (endedAt) =>
        listener({
          lane: known.lane,
          startedAt,
          millis: endedAt - startedAt,
          request: known.request,
          status: known.status(),
          outcome
        })
      )
    )
  )
