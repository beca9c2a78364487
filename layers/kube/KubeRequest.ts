/** One exchange with a Kubernetes API: log-on, time limit, repetition, span, metric, warnings, and its outcome as a KubeError. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Monotonic from "../Monotonic.ts"
import type { Json } from "../../schemas/kube/Patch.ts"
import type { Dial } from "../Dial.ts"
import { classify, notLeader } from "../DialFailure.ts"
import type { KubeConfig } from "./KubeConfig.ts"
import type { Credentials } from "./KubeCredentials.ts"
import { same } from "./KubeCredentials.ts"
import type { KubeError } from "./KubeError.ts"
import { NoCredentials, ServerFault, Unreachable } from "./KubeError.ts"
import * as KubeMetrics from "./KubeMetrics.ts"
import * as KubeRetry from "./KubeRetry.ts"
import { parseJson, toError, warnings } from "./KubeStatus.ts"
import * as KubeTransport from "./KubeTransport.ts"

export type Verb = "get" | "list" | "watch" | "create" | "patch" | "delete" | "raw"

export interface Call {
  readonly verb: Verb
  readonly method: "GET" | "POST" | "PATCH" | "DELETE"
  readonly path: string
  readonly query?: { readonly [name: string]: string | undefined }
  readonly body?: { readonly type: string; readonly json: Json }
  /** For the span: plural.group, as in `kubectl api-resources`. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
}

export interface RequestOptions {
  /** Of each try; getting the credentials for it has limits of its own. */
  readonly timeout: Duration.Input
  /** What metrics call the server; its host unless given. */
  readonly host?: string | undefined
}

const codeOf = (error: KubeError): string =>
  error._tag === "KubeTooManyRequests" ? "429" : error._tag === "KubeServerFault" ? String(error.status) : "<error>"

/** A page of a list is a few MB; beyond this an answer is not read to its end. */
const longestAnswer = 128 * 1024 * 1024
/** Of an error's body, enough for any Status. */
const longestRefusal = 1024 * 1024

export const make = Effect.fnUntraced(function* (dial: Dial["Service"], config: KubeConfig, options: RequestOptions) {
  const base = new URL(config.server)
  const prefix = base.pathname.replace(/\/+$/u, "")
  const host = options.host ?? base.host
  const connections = yield* KubeTransport.make(dial, base.origin)
  const told = new Set<string>()

  /** Each warning once: a deprecated field would otherwise be told at every write. */
  const warn = (call: Call, header: string | undefined) =>
    Effect.forEach(
      warnings(header).filter((text) => !told.has(text)),
      (text) => {
        if (told.size >= 256) told.clear()
        told.add(text)
        return Effect.logWarning("the API server warns").pipe(
          Effect.annotateLogs({ warning: text, method: call.method, path: call.path })
        )
      },
      { discard: true }
    )

  const unreachable = (call: Call, error: unknown): Unreachable => {
    // The cause without the HTTP library's own error: that one holds the request, and with it the credentials.
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return new Unreachable({
      method: call.method,
      path: call.path,
      detail: classify(error).text,
      cause: cause instanceof Error ? cause : new Error(classify(error).text)
    })
  }

  const requestOf = (call: Call, authorization: string | undefined): HttpClientRequest.HttpClientRequest => {
    const query = Object.entries(call.query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const request = HttpClientRequest.make(call.method)(prefix + call.path, {
      urlParams: query,
      headers: {
        accept: "application/json",
        "user-agent": "cluster-api-provider-scvmm",
        ...(authorization !== undefined && { authorization })
      }
    })
    return call.body === undefined
      ? request
      : HttpClientRequest.bodyText(request, JSON.stringify(call.body.json), call.body.type)
  }

  /** The text of a body; fails, having closed the connection, when it is longer than `most` bytes. */
  const textOf = (call: Call, response: HttpClientResponse.HttpClientResponse, most: number) =>
    Effect.suspend(() => {
      const decoder = new TextDecoder()
      let text = ""
      let read = 0
      return response.stream.pipe(
        Stream.mapError((error) => unreachable(call, error)),
        Stream.runForEach((piece) => {
          read += piece.length
          if (read > most) {
            const detail = `the answer is longer than ${most / 1024 / 1024} MiB`
            return Effect.fail(
              new ServerFault({ method: call.method, path: call.path, status: response.status, detail })
            )
          }
          text += decoder.decode(piece, { stream: true })
          return Effect.void
        }),
        Effect.map(() => text + decoder.decode())
      )
    })

  const credentials = (call: Call): Effect.Effect<Credentials, NoCredentials> =>
    Effect.mapError(
      config.credentials.current,
      (error) => new NoCredentials({ method: call.method, path: call.path, detail: error.message })
    )

  const send = (call: Call, { tls, token }: Credentials) =>
    Effect.gen(function* () {
      const http = yield* connections(tls)
      const bearer = token === undefined ? undefined : `Bearer ${Redacted.value(token)}`
      const response = yield* http.execute(requestOf(call, bearer)).pipe(
        Effect.mapError((error): KubeError => notLeader(error) ?? unreachable(call, error)),
        // Certificates that do not match may have been read while they were replaced, or are replaced by now.
        Effect.tapError((error) =>
          error._tag === "KubeUnreachable" && classify(error.cause).kind === "tls"
            ? config.credentials.forget
            : Effect.void
        ),
        Effect.onExit((exit) =>
          KubeMetrics.countRequest({
            code: exit._tag === "Success" ? String(exit.value.status) : "<error>",
            method: call.method,
            host
          })
        )
      )
      yield* Effect.annotateCurrentSpan("http.response.status_code", response.status)
      yield* warn(call, response.headers["warning"])
      return response
    })

  /** Once more with other credentials when those at hand are refused and there are others by now. */
  const authenticated = (call: Call, used: Credentials) =>
    Effect.gen(function* () {
      const response = yield* send(call, used)
      if (response.status !== 401) return response
      yield* config.credentials.forget
      const fresh = yield* credentials(call)
      if (same(fresh, used)) return response
      yield* textOf(call, response, longestRefusal)
      return yield* send(call, fresh)
    })

  const answered = <A>(
    call: Call,
    used: Credentials,
    use: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, KubeError>
  ): Effect.Effect<A, KubeError> =>
    Effect.gen(function* () {
      const response = yield* authenticated(call, used)
      if (response.status >= 200 && response.status < 300) return yield* use(response)
      const body = yield* textOf(call, response, longestRefusal)
      return yield* toError({
        method: call.method,
        path: call.path,
        status: response.status,
        headers: response.headers,
        body,
        now: yield* Clock.currentTimeMillis
      })
    }).pipe(
      Effect.timeout(options.timeout),
      Effect.catchIf(Cause.isTimeoutError, (error) => Effect.fail(unreachable(call, error)))
    )

  const once = <A>(
    call: Call,
    use: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, KubeError>
  ): Effect.Effect<A, KubeError> =>
    Effect.flatMap(credentials(call), (used) => answered(call, used, use)).pipe(
      Effect.withSpan(`KubeClient.${call.verb}`, {
        kind: "client",
        attributes: {
          "k8s.verb": call.verb,
          "k8s.resource": call.resource,
          "k8s.namespace": call.namespace,
          "k8s.name": call.name
        }
      })
    )

  /**
   * Sends and checks the status; `use` reads the body of a success within the time limit. What KubeRetry says is
   * repeated, `use` included; one span a try.
   */
  const exchange = Effect.fnUntraced(function* <A>(
    call: Call,
    use: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, KubeError>
  ): Effect.fn.Return<A, KubeError> {
    const begun = yield* Monotonic.millis
    for (let repeated = 0; ; repeated++) {
      const started = yield* Monotonic.millis
      const result = yield* Effect.result(once(call, use))
      const now = yield* Monotonic.millis
      if (call.verb !== "watch")
        yield* KubeMetrics.observeRequest({ verb: call.method, host }, Duration.millis(now - started))
      if (result._tag === "Success") return result.success
      const chance = yield* Random.next
      const attempt = { repeated, elapsed: now - begun, reading: call.method === "GET", chance }
      const wait = KubeRetry.pause(result.failure, attempt)
      if (wait === undefined) return yield* Effect.fail(result.failure)
      yield* KubeMetrics.countRetry({ code: codeOf(result.failure), verb: call.method, host })
      yield* Effect.sleep(wait)
    }
  })

  /** The JSON of a success. */
  const json = (call: Call): Effect.Effect<unknown, KubeError> =>
    exchange(call, (response) =>
      Effect.flatMap(textOf(call, response, longestAnswer), (text) => {
        const value = parseJson(text)
        return value === undefined
          ? new ServerFault({
              method: call.method,
              path: call.path,
              status: response.status,
              detail: `the answer is not JSON (${response.headers["content-type"] ?? "no content type"})`
            })
          : Effect.succeed(value)
      })
    )

  return { exchange, json, unreachable }
})

export type KubeRequest = Effect.Success<ReturnType<typeof make>>
