/** From an answer that is not a success to the error that says what to do about it (metav1.Status). Pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { KubeError } from "./KubeError.ts"
import { Conflict, Forbidden, Gone, Invalid, NotFound, ServerFault, TooManyRequests } from "./KubeError.ts"

const text = Schema.optionalKey(Schema.String)

const Cause = Schema.Struct({ field: text, reason: text, message: text })

const Status = Schema.Struct({
  kind: Schema.Literal("Status"),
  message: text,
  reason: text,
  code: Schema.optionalKey(Schema.Finite),
  details: Schema.optionalKey(
    Schema.Struct({
      causes: Schema.optionalKey(Schema.Array(Cause)),
      retryAfterSeconds: Schema.optionalKey(Schema.Finite)
    })
  )
})

const decode = Schema.decodeUnknownOption(Schema.toCodecGoJson(Status))

export interface Refusal {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  /** The Retry-After header. */
  readonly retryAfter?: string | undefined
  /** The whole body. */
  readonly body: string
  /** Milliseconds since the epoch, for a Retry-After that is a date. */
  readonly now: number
}

/** A foreign page in one line, so that a proxy's HTML does not fill a condition. */
const excerpt = (body: string): string => {
  const words = body
    .replaceAll(/<(style|script)\b[\s\S]*?<\/\1>/giu, " ")
    .replaceAll(/<[^>]*>/gu, " ")
    .replaceAll(/\s+/gu, " ")
    .trim()
  return words.length > 200 ? `${words.slice(0, 200)}…` : words
}

/** JSON, or undefined for anything else. */
export const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const seconds = (header: string | undefined, now: number): number | undefined => {
  if (header === undefined) return undefined
  if (/^\d+$/u.test(header.trim())) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}

/** The typed error of an HTTP answer; the Status in its body decides where there is one. */
export const toError = (refusal: Refusal): KubeError => {
  const status = Option.getOrUndefined(decode(parseJson(refusal.body)))
  const request = { method: refusal.method, path: refusal.path }
  const detail = status?.message ?? excerpt(refusal.body)
  const fields = { ...request, detail }
  const code = refusal.status
  switch (code) {
    case 404:
      return new NotFound(fields)
    case 409:
      return new Conflict({ ...fields, reason: status?.reason === "AlreadyExists" ? "AlreadyExists" : "Conflict" })
    case 410:
      return new Gone(fields)
    case 401:
    case 403:
      return new Forbidden({ ...fields, status: code })
    case 429:
      return new TooManyRequests({
        ...fields,
        retryAfterSeconds: seconds(refusal.retryAfter, refusal.now) ?? status?.details?.retryAfterSeconds ?? 1
      })
    default:
      return code >= 400 && code < 500
        ? new Invalid({
            ...fields,
            status: code,
            causes: (status?.details?.causes ?? []).map((cause) => ({
              field: cause.field ?? "",
              reason: cause.reason ?? "",
              message: cause.message ?? ""
            }))
          })
        : new ServerFault({ ...fields, status: code })
  }
}

/** The error of a watch's ERROR event, whose object is a Status. */
export const fromEvent = (path: string, object: unknown, now: number): KubeError => {
  const status = Option.getOrUndefined(decode(object))
  return toError({
    method: "GET",
    path,
    status: status?.code ?? (status?.reason === "Expired" || status?.reason === "Gone" ? 410 : 500),
    body: JSON.stringify(object),
    now
  })
}

/** The texts of a Warning header (RFC 7234 §5.5), as the API server writes them: `299 - "text"`, comma-separated. */
export const warnings = (header: string | undefined): ReadonlyArray<string> =>
  [...(header ?? "").matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/gu)].map((match) =>
    (match[1] ?? "").replaceAll(/\\(.)/gu, "$1")
  )
