/** An answer that Dial has itself, whole or in pieces, in the shape of every other HttpClientResponse. */
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import { pipeArguments } from "effect/Pipeable"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"

export class DialResponse extends Inspectable.Class implements HttpClientResponse.HttpClientResponse {
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly [HttpClientResponse.TypeId]: typeof HttpClientResponse.TypeId = HttpClientResponse.TypeId
  readonly request: HttpClientRequest.HttpClientRequest
  readonly url: string
  readonly status: number
  readonly headers: Headers.Headers
  readonly remoteAddress = Option.none<string>()
  readonly stream: Stream.Stream<Uint8Array, HttpClientError.HttpClientError>

  /** A body in pieces can be read once and fails with whatever cut the connection. */
  constructor(
    request: HttpClientRequest.HttpClientRequest,
    url: string,
    head: { readonly status: number; readonly headers: Headers.Input },
    body: Uint8Array | Stream.Stream<Uint8Array, unknown>
  ) {
    super()
    this.request = request
    this.url = url
    this.status = head.status
    this.headers = Headers.fromInput(head.headers)
    if (body instanceof Uint8Array) this.whole = body
    this.stream =
      body instanceof Uint8Array ? Stream.make(body) : Stream.mapError(body, (cause) => this.undecodable(cause))
  }

  private undecodable(cause: unknown): HttpClientError.HttpClientError {
    return new HttpClientError.HttpClientError({
      reason: new HttpClientError.DecodeError({ request: this.request, response: this, cause })
    })
  }

  private readonly whole: Uint8Array | undefined
  /** The whole body in memory of its own, once read. */
  private bytes: Uint8Array<ArrayBuffer> | undefined
  private get body(): Effect.Effect<Uint8Array<ArrayBuffer>, HttpClientError.HttpClientError> {
    return Effect.suspend(() => {
      if (this.whole !== undefined) this.bytes ??= new Uint8Array(this.whole)
      return this.bytes !== undefined
        ? Effect.succeed(this.bytes)
        : Effect.tap(Stream.mkUint8Array(this.stream), (bytes) => {
            this.bytes = bytes
            return Effect.void
          })
    })
  }

  get arrayBuffer(): Effect.Effect<ArrayBuffer, HttpClientError.HttpClientError> {
    return Effect.map(this.body, (bytes) => bytes.buffer)
  }

  get text(): Effect.Effect<string, HttpClientError.HttpClientError> {
    return Effect.map(this.body, (bytes) => new TextDecoder().decode(bytes))
  }

  get json(): Effect.Effect<Schema.Json, HttpClientError.HttpClientError> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({
        try: (): Schema.Json => (text === "" ? null : JSON.parse(text)),
        catch: (cause) => this.undecodable(cause)
      })
    )
  }

  get urlParamsBody(): Effect.Effect<UrlParams.UrlParams, HttpClientError.HttpClientError> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get cookies(): Cookies.Cookies {
    const header = this.headers["set-cookie"]
    return header === undefined ? Cookies.empty : Cookies.fromSetCookie(header)
  }

  get formData(): Effect.Effect<FormData, HttpClientError.HttpClientError> {
    return Effect.fail(this.undecodable(new Error("form data is not read in process")))
  }

  get upgrade(): Effect.Effect<never, HttpClientError.HttpClientError> {
    return Effect.fail(
      new HttpClientError.HttpClientError({
        reason: new HttpClientError.StatusCodeError({
          request: this.request,
          response: this,
          description: "expected 101 Switching Protocols"
        })
      })
    )
  }

  toJSON(): unknown {
    return HttpIncomingMessage.inspect(this, { _id: "DialResponse", url: this.url, status: this.status })
  }

  pipe() {
    // oxlint-disable-next-line prefer-rest-params -- Pipeable's own convention
    return pipeArguments(this, arguments)
  }
}
