/** Connections over real sockets, by undici. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { TLSSocket } from "node:tls"
import type { Dispatcher } from "undici"
import { Agent, buildConnector, Client } from "undici"
import type { Connection, Endpoint, Tls } from "./Dial.ts"
import * as DialExchange from "./DialExchange.ts"
import { thumbprintMismatch } from "./DialFailure.ts"
import type { Route } from "./DialProxy.ts"
import * as Tunnel from "./DialTunnel.ts"
import type { Fence } from "./Fence.ts"
import { refusalOf } from "./Fence.ts"

/** A peer that does not even answer the handshake is given up after this; everything later is the caller's timeout. */
const connectTimeoutMillis = 15_000
const keepAliveMillis = 600_000

class ThumbprintMismatch extends Error {
  readonly code = thumbprintMismatch
}

const hex = (fingerprint: string): string => fingerprint.replace(/[^0-9a-f]/giu, "").toLowerCase()

/** Of every connection, whatever the process was started with. */
const common = { timeout: connectTimeoutMillis, allowH2: false, minVersion: "TLSv1.2" } as const

const connectorOf = (tls: Tls): buildConnector.connector => {
  const connect = buildConnector({
    ...common,
    rejectUnauthorized: tls.insecureSkipVerify !== true && tls.thumbprint === undefined,
    // A resumed session shows no certificate to hold against the pin.
    ...(tls.thumbprint !== undefined && { maxCachedSessions: 0 }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: Redacted.value(tls.key) }),
    ...(tls.serverName !== undefined && { servername: tls.serverName }),
    ...(tls.maxVersion !== undefined && { maxVersion: tls.maxVersion })
  })
  const pin = tls.thumbprint
  if (pin === undefined) return connect
  return (options, callback) =>
    connect(options, (...outcome) => {
      const [error, socket] = outcome
      if (error !== null) return callback(error, null)
      const presented = socket instanceof TLSSocket ? hex(socket.getPeerCertificate().fingerprint256) : ""
      if (presented === hex(pin)) return callback(null, socket)
      socket.destroy()
      return callback(
        new ThumbprintMismatch(`the certificate's SHA-256 is ${presented || "absent"}, expected ${hex(pin)}`),
        null
      )
    })
}

/** Shows every new socket to `look` before it is used. */
const watched =
  (connect: buildConnector.connector, look: (socket: unknown) => void): buildConnector.connector =>
  (options, callback) =>
    connect(options, (...outcome) => {
      if (outcome[0] === null) look(outcome[1])
      callback(...outcome)
    })

const toProxy = buildConnector(common)

const optionsOf = (route: Route, endpoint: Endpoint) => ({
  pipelining: 1,
  allowH2: false,
  headersTimeout: 0,
  bodyTimeout: 0,
  connect: Tunnel.connectorOf(endpoint.origin, route, connectorOf(endpoint.tls ?? {}), {
    toProxy,
    timeoutMillis: connectTimeoutMillis
  })
})

const scoped = <D extends Dispatcher>(make: () => D): Effect.Effect<D, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.sync(make), (dispatcher) => Effect.promise(() => dispatcher.destroy()))

/** undici calls onRequestStart in the very step that writes the request; what it throws fails the request unsent. */
const checked = (check: () => void, handler: Dispatcher.DispatchHandler): Dispatcher.DispatchHandler => ({
  onRequestStart: (...call) => {
    check()
    handler.onRequestStart?.(...call)
  },
  onRequestUpgrade: (...call) => handler.onRequestUpgrade?.(...call),
  onResponseStart: (...call) => handler.onResponseStart?.(...call),
  onResponseData: (...call) => handler.onResponseData?.(...call),
  onResponseEnd: (...call) => handler.onResponseEnd?.(...call),
  onResponseError: (...call) => handler.onResponseError?.(...call)
})

/** Asked before anything is dialled, and again on the socket: a connection may take long, and the process be stopped. */
const fenced = (fence: Fence | undefined, dispatcher: Dispatcher): Dispatcher =>
  fence === undefined
    ? dispatcher
    : dispatcher.compose((dispatch) => (request, handler) => {
        const check = () => {
          const refusal = refusalOf(fence, request.method)
          if (refusal !== undefined) throw refusal
        }
        check()
        return dispatch(request, checked(check, handler))
      })

const over = (endpoint: Endpoint, dispatcher: Dispatcher): Effect.Effect<HttpClient.HttpClient> =>
  NodeHttpClient.makeUndici.pipe(
    Effect.provideService(NodeHttpClient.Dispatcher, fenced(endpoint.fence, dispatcher)),
    Effect.map(HttpClient.mapRequest(HttpClientRequest.prependUrl(endpoint.origin)))
  )

/** The operations of Dial over sockets, each through the proxy of its route. */
export const make = (route: Route) => {
  /** A pool of sockets to one endpoint. */
  const client = (endpoint: Endpoint): Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> =>
    Effect.flatMap(
      scoped(() => new Agent(optionsOf(route, endpoint))),
      (agent) => over(endpoint, agent)
    )

  /** One socket. undici reconnects silently when it is lost; `intact` tells. */
  const connection = (endpoint: Endpoint): Effect.Effect<Connection, never, Scope.Scope> =>
    Effect.gen(function* () {
      let certificate: Uint8Array | undefined
      let opened = false
      const { connect, ...others } = optionsOf(route, endpoint)
      // Of a plain connection the only TLS there may be is the proxy's.
      const secure = endpoint.origin.startsWith("https:")
      const dispatcher = yield* scoped(
        () =>
          new Client(endpoint.origin, {
            ...others,
            connect: watched(connect, (socket) => {
              opened = true
              const shown = secure && socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined
              certificate = shown === undefined ? undefined : new Uint8Array(shown.raw)
            }),
            keepAliveTimeout: keepAliveMillis,
            keepAliveMaxTimeout: keepAliveMillis
          })
      )
      let intact = true
      dispatcher.on("disconnect", () => {
        intact = false
      })
      dispatcher.on("connectionError", () => {
        intact = false
      })
      return {
        client: DialExchange.client(fenced(endpoint.fence, dispatcher), endpoint.origin),
        intact: Effect.sync(() => intact),
        opened: Effect.sync(() => opened),
        peerCertificate: Effect.sync(() => certificate)
      }
    })

  return { client, connection }
}
