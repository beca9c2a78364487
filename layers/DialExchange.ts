/**
 * One exchange on one socket, answered whole. Where every call is a few small exchanges, the streams, signals and scopes of a
 * general HTTP client cost as much as the exchange itself.
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { Dispatcher } from "undici"
import { DialResponse } from "./DialResponse.ts"

/** What is read of an answer at most; its reader has a limit of its own, which is less. */
const mostBytes = 64 * 1024 * 1024

const transport = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

const bytesOf = (request: HttpClientRequest.HttpClientRequest): Uint8Array | null => {
  if (request.body._tag === "Uint8Array") return request.body.body
  if (request.body._tag === "Empty") return null
  throw new TypeError(`a body of ${request.body._tag}: lanes send bytes`)
}

const exchange = (
  dispatcher: Dispatcher,
  origin: string,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<DialResponse, HttpClientError.HttpClientError> =>
  Effect.callback((resume) => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    let head: ConstructorParameters<typeof DialResponse>[2] = { status: 0, headers: {} }
    let controller: Dispatcher.DispatchController | undefined
    let given: Error | undefined
    const fail = (cause: unknown) => resume(Effect.fail(transport(request, cause)))
    const giveUp = (reason: Error) => {
      given = reason
      controller?.abort(reason)
    }
    try {
      dispatcher.dispatch(
        {
          origin,
          path: request.url,
          method: request.method,
          headers: request.headers,
          body: bytesOf(request)
        },
        {
          onRequestStart: (started) => {
            controller = started
            if (given !== undefined) started.abort(given)
          },
          onResponseStart: (_, status, headers) => {
            head = { status, headers }
          },
          onResponseData: (_, piece) => {
            pieces.push(piece)
            size += piece.length
            if (size > mostBytes) giveUp(new Error(`an answer of more than ${mostBytes} bytes`))
          },
          onResponseEnd: () => {
            const [only = new Uint8Array(0)] = pieces
            resume(
              Effect.succeed(
                new DialResponse(request, origin + request.url, head, pieces.length > 1 ? Buffer.concat(pieces) : only)
              )
            )
          },
          onResponseError: (_, cause) => fail(cause)
        }
      )
    } catch (cause) {
      // What refuses a request before it is dialled throws.
      fail(cause)
    }
    return Effect.sync(() => giveUp(new Error("interrupted")))
  })

/** URLs are relative to the origin. */
export const client = (dispatcher: Dispatcher, origin: string): HttpClient.HttpClient =>
  HttpClient.makeWith(
    (sent: Effect.Effect<HttpClientRequest.HttpClientRequest>) =>
      Effect.flatMap(sent, (request) => exchange(dispatcher, origin, request)),
    Effect.succeed
  )
