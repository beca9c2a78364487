/** One HTTP exchange as both ends of a connection see it: the seam between clients and in-process simulators. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"

/** The connection that a request arrived on: authentication that is bound to a socket hangs on `id`. */
export interface Connection {
  readonly id: number
  readonly secure: boolean
  /** DER of the client certificate, when one was presented. */
  readonly clientCertificate?: Uint8Array
}

export interface Request {
  readonly method: string
  /** Path with query, as in the request line. */
  readonly target: string
  /** Names in lower case; repeated headers joined with ", ". */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** A stream is sent in pieces as it comes (watches). */
  readonly body: Uint8Array | Stream.Stream<Uint8Array>
}

/** A server without its socket. Its scope closes, and its fiber is interrupted, when the exchange or the connection ends. */
export type Handler = (request: Request, connection: Connection) => Effect.Effect<Response, never, Scope.Scope>
