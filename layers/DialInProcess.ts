/** Connections to servers in this process: each exchange is handed to a Handler, under a connection of its own identity. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import type * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type * as Exchange from "../schemas/http/Exchange.ts"
import type { Connection, Endpoint } from "./Dial.ts"
import { DialResponse } from "./DialResponse.ts"
import type { Fence } from "./Fence.ts"
import { refusalOf } from "./Fence.ts"

class ConnectionLost extends Error {
  readonly code: "ECONNREFUSED" | "ECONNRESET"
  constructor(code: "ECONNREFUSED" | "ECONNRESET", message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const transport = (request: HttpClientRequest.HttpClientRequest, cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

const collect = (body: HttpBody.HttpBody): Effect.Effect<Uint8Array, unknown> => {
  switch (body._tag) {
    case "Empty":
      return Effect.succeed(new Uint8Array())
    case "Uint8Array":
      return Effect.succeed(body.body)
    case "Raw":
      return typeof body.body === "string"
        ? Effect.succeed(new TextEncoder().encode(body.body))
        : Effect.fail(new Error("a raw body that is not text cannot be sent in process"))
    case "Stream":
      return Stream.mkUint8Array(body.stream)
    case "FormData":
      return Effect.fail(new Error("form data cannot be sent in process"))
  }
}

const der = (pem: string): Uint8Array | undefined => {
  const block = /-----BEGIN CERTIFICATE-----([^-]+)-----END/u.exec(pem)?.[1]
  return block === undefined ? undefined : Result.getOrUndefined(Base64.decode(block.replace(/\s/gu, "")))
}

/** Where exchanges run: closing the scope cuts them all. */
interface Line {
  readonly fence: Fence | undefined
  readonly scope: Scope.Scope
  readonly isOpen: () => boolean
  /** At most so many exchanges at a time. */
  readonly permits: Semaphore.Semaphore
  readonly take: () => Exchange.Connection
  /** Called at the end of an exchange that ran to its end. */
  readonly give: (connection: Exchange.Connection) => void
  /** Called instead when it was cut: a socket would be gone. */
  readonly lose: () => void
}

/** Process-wide: two operators that speak to one simulator never share an identity. */
let connections = 0

const identify = (endpoint: Endpoint): Exchange.Connection => {
  const certificate = endpoint.tls?.cert === undefined ? undefined : der(endpoint.tls.cert)
  connections += 1
  return {
    id: connections,
    secure: endpoint.origin.startsWith("https:"),
    ...(certificate !== undefined && { clientCertificate: certificate })
  }
}

/**
 * The operations of Dial over `servers`, keyed by origin.
 *
 * A handler runs in a fiber of its own with the services of the layer, not those of the caller, as a server would.
 * Interrupting the request, abandoning its body, or closing the connection's scope interrupts it and closes its scope;
 * a connection that is cut in an exchange has another identity afterwards, and is not intact.
 * An origin without a server refuses. Once the layer's own scope has closed everything is **mute**: handlers are
 * interrupted, callers wait for ever, nothing more is sent; so a finalizer that still writes writes into the void.
 */
export const make = (servers: ReadonlyMap<string, Exchange.Handler>) =>
  Effect.gen(function* () {
    const home = yield* Effect.context<never>()
    const everything = yield* Scope.make("parallel")
    let mute = false
    yield* Effect.addFinalizer((exit) => {
      mute = true
      return Scope.close(everything, exit)
    })

    const exchange = (
      line: Line,
      request: HttpClientRequest.HttpClientRequest
    ): Effect.Effect<DialResponse, HttpClientError.HttpClientError> =>
      Effect.gen(function* () {
        if (mute) return yield* Effect.never
        const url = Option.getOrUndefined(HttpClientRequest.toUrl(request))
        if (url === undefined) return yield* transport(request, new Error(`${request.url} is no URL`))
        const handler = servers.get(url.origin)
        if (handler === undefined) {
          return yield* transport(request, new ConnectionLost("ECONNREFUSED", `connect ECONNREFUSED ${url.host}`))
        }
        if (!line.isOpen()) {
          return yield* transport(request, new ConnectionLost("ECONNRESET", "the connection is closed"))
        }
        const body = yield* Effect.mapError(collect(request.body), (cause) => transport(request, cause))

        const head = yield* Deferred.make<DialResponse, HttpClientError.HttpClientError>()
        let pieces: Queue.Queue<Uint8Array, ConnectionLost | Cause.Done> | undefined
        let state: "waiting" | "running" | "ended" = "waiting"
        /** The socket of a running exchange is gone from this moment on. */
        const cut = (): void => {
          if (state === "running") line.lose()
          state = "ended"
        }
        let abandon = (): void => undefined

        const serve = (connection: Exchange.Connection) =>
          Effect.gen(function* () {
            const answer = yield* handler(
              {
                method: request.method,
                target: url.pathname + url.search,
                headers: {
                  host: url.host,
                  ...request.headers,
                  ...(body.length > 0 && { "content-length": String(body.length) })
                },
                body
              },
              connection
            )
            if (answer.body instanceof Uint8Array) {
              state = "ended"
              line.give(connection)
              return yield* Deferred.succeed(head, new DialResponse(request, url.href, answer, answer.body))
            }
            const sent = yield* Queue.make<Uint8Array, ConnectionLost | Cause.Done>({ capacity: 64 })
            pieces = sent
            const read = Stream.fromQueue(sent).pipe(Stream.ensuring(Effect.sync(() => abandon())))
            yield* Deferred.succeed(head, new DialResponse(request, url.href, answer, read))
            yield* Stream.runForEach(answer.body, (piece) => Queue.offer(sent, piece))
            state = "ended"
            line.give(connection)
            return yield* Queue.end(sent)
          }).pipe(
            Effect.scoped,
            Effect.onError((cause) => {
              if (mute || state === "ended") return Effect.void
              cut()
              const error = new ConnectionLost("ECONNRESET", "the connection was cut")
              const tell = Effect.andThen(
                Deferred.fail(head, transport(request, error)),
                pieces === undefined ? Effect.void : Queue.fail(pieces, error)
              )
              return Cause.hasInterruptsOnly(cause)
                ? tell
                : Effect.andThen(Effect.logError("a server in this process died", cause), tell)
            })
          )

        const fiber = yield* line.permits
          .withPermit(
            Effect.suspend(() => {
              const refusal = refusalOf(line.fence, request.method)
              if (refusal !== undefined) return Deferred.fail(head, transport(request, refusal))
              state = "running"
              return serve(line.take())
            })
          )
          .pipe(Effect.setContext(home), Effect.forkIn(line.scope))
        abandon = () => {
          if (state === "ended") return
          cut()
          fiber.interruptUnsafe()
        }
        return yield* Deferred.await(head).pipe(Effect.onInterrupt(() => Effect.sync(abandon)))
      })

    const over = (endpoint: Endpoint, line: Line): HttpClient.HttpClient =>
      // Not HttpClient.make: its AbortController does what interruption and the end of a body do here.
      HttpClient.makeWith(
        (sent: Effect.Effect<HttpClientRequest.HttpClientRequest>) =>
          Effect.flatMap(sent, (request) => exchange(line, request)),
        (request) => Effect.succeed(HttpClientRequest.prependUrl(request, endpoint.origin))
      )

    const open = ({ fence }: Endpoint, permits: number) =>
      Effect.gen(function* () {
        const scope = yield* Scope.fork(everything, "parallel")
        let isOpen = true
        yield* Effect.addFinalizer((exit) => {
          if (mute) return Effect.void
          isOpen = false
          return Scope.close(scope, exit)
        })
        return { fence, scope, isOpen: () => isOpen, permits: yield* Semaphore.make(permits) }
      })

    const client = (endpoint: Endpoint) =>
      Effect.gen(function* () {
        const idle: Array<Exchange.Connection> = []
        return over(endpoint, {
          ...(yield* open(endpoint, 1024)),
          take: () => idle.pop() ?? identify(endpoint),
          give: (connection) => void idle.push(connection),
          lose: () => undefined
        })
      })

    const connection = (endpoint: Endpoint): Effect.Effect<Connection, never, Scope.Scope> =>
      Effect.gen(function* () {
        const line = yield* open(endpoint, 1)
        let current: Exchange.Connection | undefined
        let intact = true
        let opened = false
        const client = over(endpoint, {
          ...line,
          take: () => {
            opened = true
            return (current ??= identify(endpoint))
          },
          give: () => undefined,
          lose: () => {
            intact = false
            current = undefined
          }
        })
        return {
          client,
          intact: Effect.sync(() => intact && line.isOpen()),
          opened: Effect.sync(() => opened),
          peerCertificate: Effect.undefined
        }
      })

    return { client, connection }
  })
