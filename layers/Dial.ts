/** Where HTTP connections come from: real sockets, or a simulator in this process (design D19). */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Handler } from "../schemas/http/Exchange.ts"
import * as InProcess from "./DialInProcess.ts"
import { routeOf } from "./DialProxy.ts"
import * as Undici from "./DialUndici.ts"
import type { Fence } from "./Fence.ts"

export interface Tls {
  /** PEM bundle that replaces the system's roots. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: Redacted.Redacted<string>
  readonly serverName?: string
  readonly insecureSkipVerify?: boolean
  /** Hex SHA-256 of the one certificate that is accepted. */
  readonly thumbprint?: string
  /** TLS 1.2 is the oldest in any case; this makes it the newest, too. */
  readonly maxVersion?: "TLSv1.2"
}

export interface Endpoint {
  /** scheme://host:port, without a path. */
  readonly origin: string
  readonly tls?: Tls
  /** Asked before each request but GET and HEAD, when it is made and again right before its bytes leave. */
  readonly fence?: Fence
}

/** One socket, one request at a time. */
export interface Connection {
  readonly client: HttpClient.HttpClient
  /** False once the socket was replaced or lost: whatever was authenticated on it is void. */
  readonly intact: Effect.Effect<boolean>
  /** False until the other side was reached, its handshake included: until then no byte of a request can have left. */
  readonly opened: Effect.Effect<boolean>
  /** DER of the certificate that the other side showed; undefined without TLS, and before the first request. */
  readonly peerCertificate: Effect.Effect<Uint8Array | undefined>
}

type Operations = Dial["Service"]

/** No span of the HTTP library and no traceparent or b3 header: callers make spans with names of their own. */
const quiet = (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.transformResponse(client, (exchange) =>
    exchange.pipe(
      Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
      Effect.provideService(HttpClient.TracerPropagationEnabled, false)
    )
  )

const hushed = (operations: Operations): Operations => ({
  ...operations,
  client: (endpoint) => Effect.map(operations.client(endpoint), quiet)
})

/** In capitals, or else not, as with Go. */
const variable = (name: string) =>
  Config.String(name).pipe(
    Config.orElse(() => Config.String(name.toLowerCase())),
    Config.withDefault("")
  )

const environment = Config.all({
  httpProxy: variable("HTTP_PROXY"),
  httpsProxy: variable("HTTPS_PROXY"),
  noProxy: variable("NO_PROXY")
})

export class Dial extends Context.Service<
  Dial,
  {
    /** A pooled client: requests run side by side, connections are kept alive. URLs are relative to the origin. */
    readonly client: (endpoint: Endpoint) => Effect.Effect<HttpClient.HttpClient, never, Scope.Scope>
    /** A client bound to one connection, for authentication that is bound to a socket. */
    readonly connection: (endpoint: Endpoint) => Effect.Effect<Connection, never, Scope.Scope>
  }
>()("capscvmm/layers/Dial") {
  /**
   * Sockets, through the proxies that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name. Only connecting has a time limit here (15 s);
   * everything else is the caller's.
   */
  static readonly layerUndici: Layer.Layer<Dial> = Layer.effect(
    Dial,
    Effect.map(Effect.orDie(environment), (proxies) => hushed(Undici.make(routeOf(proxies))))
  )

  /** Another Dial's connections, behind a fence: refused requests fail with NotLeader as their cause, unsent. */
  static readonly layerFenced = (fence: Fence): Layer.Layer<Dial, never, Dial> =>
    Layer.effect(
      Dial,
      Effect.map(Dial, ({ client, connection }) => ({
        client: (endpoint) => client({ ...endpoint, fence }),
        connection: (endpoint) => connection({ ...endpoint, fence })
      }))
    )

  /**
   * Servers in this process, by origin (scheme://host:port, a default port left out). When the layer's scope closes
   * every connection goes mute, as those of a crashed process do: nothing arrives, nothing answers.
   */
  static readonly layerInProcess = (servers: ReadonlyMap<string, Handler>): Layer.Layer<Dial> =>
    Layer.effect(Dial, InProcess.make(servers))
}
