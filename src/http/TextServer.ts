/** A small plain-HTTP server: paths that answer GET and HEAD with text. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import type { ServeError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { BindAddress } from "./BindAddress.ts"

export interface Answer {
  readonly status: number
  readonly body: string
  readonly contentType?: string
}

const plain = "text/plain; charset=utf-8"
/** A prober that is slow to ask holds a socket no longer than this. */
const requestMillis = 10_000

const respond = (answer: Answer) =>
  HttpServerResponse.text(answer.body, {
    status: answer.status,
    contentType: answer.contentType ?? plain,
    headers: { "x-content-type-options": "nosniff", "cache-control": "no-store" }
  })

/**
 * Listens until the scope closes; returns the bound address. Requests are neither logged nor traced: they come every few
 * seconds for ever.
 *
 * ## Errors
 * ServeError when the address cannot be bound.
 */
export const serve = Effect.fnUntraced(function* (
  address: BindAddress,
  routes: Readonly<Record<string, Effect.Effect<Answer>>>
): Effect.fn.Return<Required<BindAddress>, ServeError, Scope.Scope> {
  const node = http.createServer({ requestTimeout: requestMillis, headersTimeout: requestMillis })
  const server = yield* NodeHttpServer.make(() => node, { ...address, gracefulShutdownTimeout: "1 second" })
  const answer = Effect.gen(function* () {
    const request = yield* HttpServerRequest
    const path = request.url.split("?")[0] ?? "/"
    const route = Object.hasOwn(routes, path) ? routes[path] : undefined
    if (route === undefined) return respond({ status: 404, body: "not found\n" })
    if (request.method !== "GET" && request.method !== "HEAD") {
      return HttpServerResponse.setHeader(respond({ status: 405, body: "method not allowed\n" }), "allow", "GET, HEAD")
    }
    return respond(yield* route)
  })
  yield* server.serve(answer).pipe(Effect.provideService(HttpMiddleware.TracerDisabledWhen, () => true))
  const bound = node.address()
  return typeof bound === "object" && bound !== null
    ? { host: bound.address, port: bound.port }
    : yield* Effect.die(new Error("listening, but not on a port"))
})
