/** Connections through a proxy, by CONNECT (RFC 9110 §9.3.6): for http too, so that a connection stays one from end to end. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { type buildConnector, Client } from "undici"
import { classify, proxyFailed } from "./DialFailure.ts"
import type { Proxy, Route } from "./DialProxy.ts"

class ProxyFailure extends Error {
  readonly code = proxyFailed
}

const meanings: { readonly [status: number]: string } = {
  403: "it does not let us reach that host",
  407: "it wants credentials, or other ones",
  502: "it cannot reach that host",
  503: "it cannot reach that host",
  504: "it cannot reach that host"
}

const refusal = (proxy: Proxy, target: string, status: number): ProxyFailure =>
  new ProxyFailure(
    `the proxy ${new URL(proxy.origin).host} answered CONNECT ${target} with HTTP ${status}${meanings[status] === undefined ? "" : `: ${meanings[status]}`}`
  )

export interface TunnelOptions {
  /** Connects to the proxy itself. */
  readonly toProxy: buildConnector.connector
  /** Begins TLS with the far side, on a socket that leads there. */
  readonly secure: buildConnector.connector
  readonly timeoutMillis: number
}

/** Connects to the far side through `proxy`. Whatever goes wrong up to there fails with a text that names the proxy. */
const through =
  (proxy: Proxy, { toProxy, secure, timeoutMillis }: TunnelOptions): buildConnector.connector =>
  (options, callback) => {
    const { hostname, protocol } = options
    const target = `${hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname}:${options.port || (protocol === "https:" ? 443 : 80)}`
    // undici would take the name in the Host header, the far side's, for that of the proxy.
    const connect: buildConnector.connector = (own, then) => toProxy({ ...own, servername: "" }, then)
    const client = new Client(proxy.origin, { connect, headersTimeout: timeoutMillis, pipelining: 1 })
    const headers = {
      host: target,
      ...(proxy.authorization !== undefined && { "proxy-authorization": Redacted.value(proxy.authorization) })
    }
    client.connect({ path: target, headers }, (error, answer) => {
      // The socket of an accepted CONNECT is the client's no longer; without one there is nothing to wait for.
      void client.destroy()
      if (error !== null || answer === undefined) {
        const { text } = classify(error)
        return callback(new ProxyFailure(`the proxy ${new URL(proxy.origin).host}: ${text}`), null)
      }
      const { socket, statusCode } = answer
      if (statusCode < 200 || statusCode > 299) {
        // It may still fail on its way out, which nobody needs to know.
        socket.on("error", () => undefined).destroy()
        return callback(refusal(proxy, target, statusCode), null)
      }
      // undici types any stream; what it hands over is the socket that `toProxy` made.
      const own = socket as Parameters<buildConnector.Callback>[1] & object
      if (protocol === "https:") return secure({ ...options, httpSocket: own }, callback)
      return callback(null, own)
    })
  }

/** Connects directly, or through the proxy of its route. */
export const connectorOf = (
  origin: string,
  route: Route,
  direct: buildConnector.connector,
  options: Omit<TunnelOptions, "secure">
): buildConnector.connector => {
  const found = route(origin)
  if (Result.isFailure(found)) return (_, callback) => callback(new ProxyFailure(found.failure), null)
  return found.success === undefined ? direct : through(found.success, { ...options, secure: direct })
}
