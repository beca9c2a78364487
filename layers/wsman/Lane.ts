/** One authenticated connection to a WinRM listener: one exchange at a time, dialled when first needed. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpClientError } from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { type Connection, Dial, type Endpoint } from "../Dial.ts"
import { classify } from "../DialFailure.ts"
import type { Carrier } from "./Carrier.ts"
import { type Credentials, type LogOnMethod, logOnMethod } from "./Credentials.ts"
import { type HttpAnswer, soapContentType } from "./HttpAnswer.ts"
import * as LogOn from "./LogOn.ts"
import { type Listener, tapped } from "./WireTap.ts"
import { Protocol, Unavailable, type WsmanError } from "./WsmanError.ts"

export interface Lane {
  /**
   * Sends an envelope to /wsman and answers the envelope that came back, of a success or of a fault. Callers queue.
   * An exchange that fails or is interrupted takes its connection with it, and the log-on that was bound to it; the next one
   * dials anew.
   */
  readonly post: (envelope: string) => Effect.Effect<string, WsmanError>
  /** HTTP exchanges that were begun, those of log-ons included. */
  readonly exchanges: Effect.Effect<number>
}

export interface LaneOptions {
  readonly endpoint: Endpoint
  readonly credentials: Credentials
  /** How long the listener may take; an answer is awaited a little longer. */
  readonly operationTimeoutSeconds: number
  /** Who is told of every envelope, and as which lane's. */
  readonly overheard?: { readonly lane: string; readonly listener: Listener }
}

/** The path of every WinRM listener. */
export const path = "/wsman"

/** What an answer may take beyond the operation timeout: transport, and the listener's own slack. */
const graceSeconds = 5

/** Twice what our requests allow the listener: whoever sends more is none. */
const maxAnswerBytes = 1024 * 1024

/** Codes of a peer that speaks something else than HTTP, or none with TLS where TLS is expected. */
const isForeign = (code: string): boolean =>
  code.startsWith("HPE_") ||
  code === "UND_ERR_HEADERS_OVERFLOW" ||
  code === "EPROTO" ||
  code === "ERR_SSL_WRONG_VERSION_NUMBER" ||
  code === "ERR_SSL_PACKET_LENGTH_TOO_LONG"

/** `opened`: whether the connection ever was one; a host that is lost later is told of with the same codes as one that never answered. */
const unavailable = (error: unknown, opened: boolean): Unavailable => {
  const failure = classify(error)
  const neverLeft =
    !opened ||
    failure.code === "ECONNREFUSED" ||
    failure.kind === "unresolved" ||
    failure.kind === "fenced" ||
    failure.kind === "proxy" ||
    failure.code === "UND_ERR_CONNECT_TIMEOUT"
  const kind = isForeign(failure.code) ? "notWinRM" : failure.kind
  return new Unavailable({ kind, detail: failure.text, sent: !neverLeft })
}

/** The whole body, unless it is longer than any answer may be. */
const bodyOf = (
  response: HttpClientResponse.HttpClientResponse
): Effect.Effect<Uint8Array, HttpClientError | Protocol> =>
  Effect.suspend(() => {
    const pieces: Array<Uint8Array> = []
    let size = 0
    return response.stream.pipe(
      Stream.runForEach((piece) => {
        pieces.push(piece)
        size += piece.length
        return size > maxAnswerBytes
          ? Effect.fail(new Protocol({ detail: `the answer is longer than ${maxAnswerBytes} bytes`, sent: true }))
          : Effect.void
      }),
      Effect.map(() => {
        const [only] = pieces
        if (pieces.length === 1 && only !== undefined) return only
        const whole = new Uint8Array(size)
        let at = 0
        for (const piece of pieces) {
          whole.set(piece, at)
          at += piece.length
        }
        return whole
      })
    )
  })

/** The listener knows no log-on of this connection, or no longer: it did nothing. */
class LogOnLost extends Data.TaggedError("LogOnLost")<{}> {}

interface Open {
  readonly connection: Connection
  readonly scope: Scope.Closeable
  /** Absent before the log-on. */
  carrier: Carrier | undefined
}

const emptyPost = HttpClientRequest.post(path).pipe(
  HttpClientRequest.setHeaders({ "accept-encoding": "identity", "user-agent": "Microsoft WinRM Client" })
)

/** A lane of the scope; its connection closes with it. Never fails: what is wrong shows in the first exchange. */
export const make = Effect.fn("Lane.make")(function* (options: LaneOptions) {
  const dial = yield* Dial
  // Made now, so that connections dialled later outlive finalizers added after this lane: they may still need it.
  const scope = yield* Scope.fork(yield* Effect.scope)
  const one = yield* Semaphore.make(1)
  const method = logOnMethod(options.credentials, options.endpoint)
  let open: Open | undefined
  let exchanges = 0
  let status: number | undefined

  const hangUp = Effect.suspend(() => {
    const last = open
    open = undefined
    return last === undefined ? Effect.void : Scope.close(last.scope, Exit.void)
  })

  const connected = Effect.gen(function* () {
    if (open !== undefined && !(yield* open.connection.intact)) yield* hangUp
    if (open !== undefined) return open
    const own = yield* Scope.fork(scope)
    const connection = yield* Scope.provide(dial.connection(options.endpoint), own)
    open = { connection, scope: own, carrier: undefined }
    return open
  })

  const send = (
    { client, opened }: Connection,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    contentType: string
  ): Effect.Effect<HttpAnswer, Unavailable | Protocol> =>
    Effect.suspend(() => {
      exchanges++
      const request = emptyPost.pipe(
        HttpClientRequest.setHeaders(headers),
        HttpClientRequest.bodyUint8Array(body, contentType)
      )
      return client.execute(request).pipe(
        Effect.flatMap((response) => {
          status = response.status
          return Effect.map(bodyOf(response), (body) => ({ status: response.status, headers: response.headers, body }))
        }),
        Effect.catch((error): Effect.Effect<never, Unavailable | Protocol> =>
          error instanceof Protocol
            ? Effect.fail(error)
            : Effect.flatMap(opened, (was) => Effect.fail(unavailable(error, was)))
        ),
        Effect.timeoutOrElse({
          duration: (options.operationTimeoutSeconds + graceSeconds) * 1000,
          orElse: () =>
            Effect.flatMap(opened, (sent) =>
              Effect.fail(new Unavailable({ kind: "timeout", detail: "no answer in time", sent }))
            )
        })
      )
    })

  const sendNothing = (on: Open, authorization: string) =>
    // The envelope waits: nothing of it has left.
    Effect.mapError(send(on.connection, { authorization }, new Uint8Array(0), soapContentType), (error) =>
      error instanceof Protocol
        ? new Protocol({ detail: error.detail, sent: false })
        : new Unavailable({ kind: error.kind, detail: error.detail, sent: false })
    )

  const logOn = (method: LogOnMethod, on: Open) =>
    LogOn.logOn(method, {
      credentials: options.credentials,
      host: new URL(options.endpoint.origin).hostname,
      post: (authorization) => sendNothing(on, authorization),
      intact: on.connection.intact,
      peerCertificate: on.connection.peerCertificate
    })

  const exchange = Effect.fnUntraced(function* (envelope: string): Effect.fn.Return<string, WsmanError | LogOnLost> {
    status = undefined
    const chosen = yield* Effect.fromResult(method)
    const on = yield* connected
    const known = on.carrier !== undefined
    const carrier = (on.carrier ??= yield* logOn(chosen, on))
    const { headers, body, contentType } = carrier.wrap(Buffer.from(envelope))
    const answer = yield* send(on.connection, headers, body, contentType)
    if (answer.status === 401 && carrier.bound && (known || !(yield* on.connection.intact)))
      return yield* new LogOnLost()
    return yield* carrier.unwrap(answer)
  })

  const attempt = (envelope: string) =>
    exchange(envelope).pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : hangUp)))

  const lost = () =>
    Effect.fail(new Unavailable({ kind: "reset", detail: "the listener does not keep its connections", sent: false }))

  /** A log-on that was lost is made once more, on a new connection. */
  const exchanged = (envelope: string): Effect.Effect<string, WsmanError> =>
    attempt(envelope).pipe(
      Effect.catchTag("LogOnLost", () => attempt(envelope)),
      Effect.catchTag("LogOnLost", lost)
    )

  const { overheard } = options
  const post = (envelope: string): Effect.Effect<string, WsmanError> =>
    one.withPermit(
      overheard === undefined
        ? exchanged(envelope)
        : tapped(overheard.listener, exchanged(envelope), {
            lane: overheard.lane,
            request: envelope,
            status: () => status
          })
    )

  return { post, exchanges: Effect.sync(() => exchanges) } satisfies Lane
})
