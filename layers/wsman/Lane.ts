/** One authenticated connection to a WinRM listener: one exchange at a time, dialled when first needed. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type Connection, Dial, type Endpoint } from "../Dial.ts"
import { classify } from "../DialFailure.ts"
import { authorization, type Credentials } from "./Credentials.ts"
import { AccessDenied, AuthenticationFailed, Protocol, Unavailable, type WsmanError } from "./WsmanError.ts"

export interface Lane {
  /**
   * Sends an envelope to /wsman and answers the envelope that came back, of a success or of a fault. Callers queue.
   * An exchange that fails or is interrupted takes its connection with it; the next one dials anew.
   */
  readonly post: (envelope: string) => Effect.Effect<string, WsmanError>
  /** Exchanges that were begun. */
  readonly exchanges: Effect.Effect<number>
}

export interface LaneOptions {
  readonly endpoint: Endpoint
  readonly credentials: Credentials
  /** How long the listener may take; an answer is awaited a little longer. */
  readonly operationTimeoutSeconds: number
}

/** The path of every WinRM listener. */
export const path = "/wsman"

/** What an answer may take beyond the operation timeout: transport, and the listener's own slack. */
const graceSeconds = 5

const contentType = "application/soap+xml;charset=UTF-8"

const unavailable = (error: unknown): Unavailable => {
  const failure = classify(error)
  const neverLeft =
    failure.kind === "refused" ||
    failure.kind === "unresolved" ||
    failure.kind === "tls" ||
    failure.kind === "fenced" ||
    failure.code === "UND_ERR_CONNECT_TIMEOUT"
  return new Unavailable({ kind: failure.kind, detail: failure.text, sent: !neverLeft })
}

const schemes = (header: string | undefined): string =>
  header === undefined
    ? "nothing"
    : [...header.matchAll(/(?:^|,)\s*([A-Za-z]+)(?=\s|,|$)/gu)].map(([, name]) => name).join(", ")

/** The envelope of an answer, or what its status says. */
const envelopeOf = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const text = yield* Effect.mapError(response.text, unavailable)
  const { status } = response
  if (status === 401) {
    const offered = schemes(response.headers["www-authenticate"])
    return yield* new AuthenticationFailed({ detail: `HTTP 401; the listener offers ${offered}`, sent: false })
  }
  if (status === 403) return yield* new AccessDenied({ detail: "HTTP 403", sent: false })
  const isSoap = (response.headers["content-type"] ?? "").toLowerCase().startsWith("application/soap+xml")
  if (isSoap && text !== "" && (status === 200 || status === 400 || status === 500)) return text
  // WinRM answers so when it lost a session's encryption state or a shell is disconnected.
  if (text === "" && (status === 400 || status === 500))
    return yield* new Protocol({ detail: `HTTP ${status} without a body`, sent: true })
  if (status === 425 || status === 429 || status === 503)
    return yield* new Unavailable({ kind: "other", detail: `HTTP ${status}`, sent: true })
  return yield* new Unavailable({
    kind: "notWinRM",
    detail: `HTTP ${status} with content type "${response.headers["content-type"] ?? ""}" is no answer of WinRM`,
    sent: false
  })
})

/** A lane of the scope; its connection closes with it. Never fails: what is wrong shows in the first exchange. */
export const make = Effect.fn("Lane.make")(function* (options: LaneOptions) {
  const dial = yield* Dial
  // Made now, so that connections dialled later outlive finalizers added after this lane: they may still need it.
  const scope = yield* Scope.fork(yield* Effect.scope)
  const one = yield* Semaphore.make(1)
  const scheme = options.endpoint.origin.startsWith("https:") ? "https" : "http"
  let open: { readonly connection: Connection; readonly scope: Scope.Closeable } | undefined
  let exchanges = 0

  const hangUp = Effect.suspend(() => {
    const last = open
    open = undefined
    return last === undefined ? Effect.void : Scope.close(last.scope, Exit.void)
  })

  const connected = Effect.gen(function* () {
    if (open !== undefined && !(yield* open.connection.intact)) yield* hangUp
    if (open !== undefined) return open.connection
    const own = yield* Scope.fork(scope)
    const connection = yield* Scope.provide(dial.connection(options.endpoint), own)
    open = { connection, scope: own }
    return connection
  })

  const exchange = Effect.fnUntraced(function* (envelope: string) {
    const header = yield* authorization(options.credentials, scheme)
    const connection = yield* connected
    const request = HttpClientRequest.post(path).pipe(
      HttpClientRequest.setHeaders({
        authorization: Redacted.value(header),
        "accept-encoding": "identity",
        "user-agent": "Microsoft WinRM Client"
      }),
      HttpClientRequest.bodyText(envelope, contentType)
    )
    exchanges++
    return yield* connection.client.execute(request).pipe(
      Effect.mapError(unavailable),
      Effect.flatMap(envelopeOf),
      Effect.timeoutOrElse({
        duration: (options.operationTimeoutSeconds + graceSeconds) * 1000,
        orElse: () => Effect.fail(new Unavailable({ kind: "timeout", detail: "no answer in time", sent: true }))
      })
    )
  })

  const post = (envelope: string): Effect.Effect<string, WsmanError> =>
    one.withPermit(exchange(envelope).pipe(Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : hangUp))))

  return { post, exchanges: Effect.sync(() => exchanges) } satisfies Lane
})
