/** Where HTTP connections come from: real sockets, or a simulator in this process (design D19). */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"

export interface Tls {
  /** PEM bundle that replaces the system's roots. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: Redacted.Redacted<string>
  readonly serverName?: string
  readonly insecureSkipVerify?: boolean
  /** Hex SHA-256 of the one certificate that is accepted. */
  readonly thumbprint?: string
}

export interface Endpoint {
  /** scheme://host:port, without a path. */
  readonly origin: string
  readonly tls?: Tls
}

/** One socket, one request at a time. */
export interface Connection {
  readonly client: HttpClient.HttpClient
  /** False once the socket was replaced or lost: whatever was authenticated on it is void. */
  readonly intact: Effect.Effect<boolean>
}

export class Dial extends Context.Service<
  Dial,
  {
    /** A pooled client: requests run side by side, connections are kept alive. URLs are relative to the origin. */
    readonly client: (endpoint: Endpoint) => Effect.Effect<HttpClient.HttpClient, never, Scope.Scope>
    /** A client bound to one connection, for authentication that is bound to a socket. */
    readonly connection: (endpoint: Endpoint) => Effect.Effect<Connection, never, Scope.Scope>
  }
>()("capscvmm/layers/Dial") {}
