/** How the server reaches a webhook: by whoever was given to it for that, or over HTTPS at its URL. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as https from "node:https"
import type { Handler, Request } from "../../../schemas/http/Exchange.ts"
import { exchange, Unreachable } from "./HttpsExchange.ts"

/** clientConfig of a webhook. */
export interface ClientConfig {
  /** The URL without its query; for a service https://<name>.<namespace>.svc:<port><path>. */
  readonly url: string
  /** undefined for a webhook with a URL of its own. */
  readonly service: { readonly namespace: string; readonly name: string; readonly port: number } | undefined
  /** PEM; "" trusts what this process trusts. */
  readonly ca: string
}

/** The server behind a clientConfig, in this process; undefined for one that it does not know. */
export type Webhooks = (client: ClientConfig) => Handler | undefined

export interface Answer {
  readonly status: number
  /** The media type's first half is text. */
  readonly isText: boolean
  readonly text: string
}

const decoder = new TextDecoder()
const connection = { id: 0, secure: true }

/** A failure in the words of Go's net and crypto/tls. */
const worded = (error: Unreachable, { hostname, port }: URL): string => {
  switch (error.code) {
    case "ECONNREFUSED":
      return `dial tcp ${hostname}:${port === "" ? "443" : port}: connect: connection refused`
    case "ENOTFOUND":
      return `dial tcp: lookup ${hostname}: no such host`
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    default:
      return error.detail
  }
}

const overHttps = Effect.fnUntraced(function* (client: ClientConfig, request: Request) {
  const { service, url } = client
  if (service !== undefined) {
    return yield* new Unreachable({ code: "", detail: `service ${JSON.stringify(service.name)} not found` })
  }
  const agent = yield* Effect.acquireRelease(
    Effect.sync(() => new https.Agent({ keepAlive: false, ...(client.ca !== "" && { ca: client.ca }) })),
    (agent) => Effect.sync(() => agent.destroy())
  )
  const server = new URL(url)
  return yield* Effect.mapError(
    exchange(server, agent, request),
    (error) => new Unreachable({ code: error.code, detail: worded(error, server) })
  )
})

/** Sends a request to a webhook. Raises Unreachable. */
export const send = (
  webhooks: Webhooks | undefined,
  client: ClientConfig,
  request: Request
): Effect.Effect<Answer, Unreachable> =>
  Effect.scoped(
    Effect.gen(function* (): Effect.gen.Return<Answer, Unreachable, Scope.Scope> {
      const handler = webhooks?.(client)
      const { status, headers, body } = yield* handler === undefined
        ? overHttps(client, request)
        : handler(request, connection)
      const bytes = body instanceof Uint8Array ? body : Buffer.concat(yield* Stream.runCollect(body))
      return { status, isText: (headers["content-type"] ?? "").startsWith("text/"), text: decoder.decode(bytes) }
    })
  )
