/** One exchange with a Kubernetes API: log-on, time limit, span, metric, warnings, and its outcome as a KubeError. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import type { Json } from "../../schemas/kube/Patch.ts"
import type { Dial } from "../Dial.ts"
import { classify } from "../DialFailure.ts"
import type { KubeConfig } from "./KubeConfig.ts"
import type { KubeError } from "./KubeError.ts"
import { ServerFault, Unreachable } from "./KubeError.ts"
import { parseJson, toError, warnings } from "./KubeStatus.ts"

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

const requests = Metric.counter("rest_client_requests_total", {
  description: "Requests to the Kubernetes API by status code, method and host",
  incremental: true
})

/** One request is tried again this often when it changes nothing and was turned away before it was looked at. */
const attempts = 3
const longestPause = Duration.seconds(10)

const again = (error: KubeError): boolean => {
  switch (error._tag) {
    case "KubeTooManyRequests":
      return error.retryAfterSeconds <= Duration.toSeconds(longestPause)
    case "KubeServerFault":
      return error.status === 503
    case "KubeUnreachable":
      return classify(error.cause).kind === "reset"
    default:
      return false
  }
}

const pauses = Schedule.exponential("100 millis").pipe(
  Schedule.jittered,
  Schedule.setInputType<KubeError>(),
  Schedule.modifyDelay(({ duration, input }) =>
    Effect.succeed(
      input._tag === "KubeTooManyRequests"
        ? Duration.max(duration, Duration.seconds(input.retryAfterSeconds))
        : duration
    )
  )
)

/** Repeats a reading request on 429, 503 and a lost connection; for requests that change nothing. */
export const retryRead = <A, R>(read: Effect.Effect<A, KubeError, R>): Effect.Effect<A, KubeError, R> =>
  Effect.retry(read, { schedule: pauses, times: attempts, while: again })

export const make = Effect.fnUntraced(function* (dial: Dial["Service"], config: KubeConfig, timeout: Duration.Input) {
  const base = new URL(config.server)
  const prefix = base.pathname.replace(/\/+$/u, "")
  const http: HttpClient.HttpClient = yield* dial.client({ origin: base.origin, tls: config.tls })
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

  const count = (call: Call, code: string) =>
    Metric.update(Metric.withAttributes(requests, { code, method: call.method, host: base.host }), 1)

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

  /** Sends and checks the status; `use` reads the body of a success within the time limit. */
  const exchange = <A>(
    call: Call,
    use: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, KubeError>
  ): Effect.Effect<A, KubeError> =>
    Effect.gen(function* () {
      const token = yield* Effect.mapError(config.token, (error) => unreachable(call, error))
      const bearer = token === undefined ? undefined : `Bearer ${Redacted.value(token)}`
      const response = yield* http.execute(requestOf(call, bearer)).pipe(
        Effect.mapError((error) => unreachable(call, error)),
        Effect.tapError(() => count(call, "<error>"))
      )
      yield* Effect.annotateCurrentSpan("http.response.status_code", response.status)
      yield* count(call, String(response.status))
      yield* warn(call, response.headers["warning"])
      if (response.status >= 200 && response.status < 300) return yield* use(response)
      const body = yield* Effect.mapError(response.text, (error) => unreachable(call, error))
      return yield* toError({
        method: call.method,
        path: call.path,
        status: response.status,
        retryAfter: response.headers["retry-after"],
        body,
        now: yield* Clock.currentTimeMillis
      })
    }).pipe(
      Effect.timeout(timeout),
      Effect.catchIf(Cause.isTimeoutError, (error) => Effect.fail(unreachable(call, error))),
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

  /** The JSON of a success. */
  const json = (call: Call): Effect.Effect<unknown, KubeError> =>
    exchange(call, (response) =>
      response.text.pipe(
        Effect.mapError((error) => unreachable(call, error)),
        Effect.flatMap((text) => {
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
    )

  return { exchange, json, unreachable }
})

export type KubeRequest = Effect.Success<ReturnType<typeof make>>
