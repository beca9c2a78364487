/** From an answer that is not a success to the error that says what to do about it (metav1.Status). Pure. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { KubeError } from "./KubeError.ts"
import { Conflict, Forbidden, Gone, Invalid, NotFound, ServerFault, TooManyRequests } from "./KubeError.ts"
import { withoutManagedFields } from "./ManagedFields.ts"

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
  /** In lower case. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** The whole body. */
  readonly body: string
  /** Milliseconds since the epoch, for a Retry-After that is a date, where the server does not tell its own time. */
  readonly now: number
}

/** No server, and no proxy before it, stops us for longer: it is asked again and may say so again. */
const longestWait = 300

/** A foreign page in one line, so that a proxy's HTML does not fill a condition. */
const excerpt = (body: string): string => {
  const words = body
    .replaceAll(/<(style|script)\b[\s\S]*?<\/\1>/giu, " ")
    .replaceAll(/<[^>]*>/gu, " ")
    .replaceAll(/\s+/gu, " ")
    .trim()
  return words.length > 200 ? `${words.slice(0, 200)}…` : words
}

/** What an API server sent, without managedFields; undefined for anything that is no JSON. */
export const parseJson = (body: string): unknown => {
  try {
    return JSON.parse(withoutManagedFields(body))
  } catch {
    return undefined
  }
}

/** Seconds of a Retry-After (RFC 9110 §10.2.3); a date counts from the server's own Date, so that a skewed clock does no harm. */
const retryAfter = ({ headers, now }: Refusal, told: number | undefined): number | undefined => {
  const header = headers?.["retry-after"]?.trim() ?? ""
  const date = Date.parse(header)
  const asked = /^\d+$/u.test(header)
    ? Number(header)
    : Number.isNaN(date)
      ? told
      : Math.ceil((date - (Date.parse(headers?.["date"] ?? "") || now)) / 1000)
  return asked === undefined ? undefined : Math.min(longestWait, Math.max(0, asked))
}

/** Which priority level of API Priority and Fairness has no seat free; "" where the server does not say. */
const priorityLevel = (headers: Refusal["headers"]): string => {
  const uid = headers?.["x-kubernetes-pf-prioritylevel-uid"] ?? ""
  return uid === "" ? "" : ` (priority level ${uid})`
}

/** The typed error of an HTTP answer; the Status in its body decides where there is one. */
export const toError = (refusal: Refusal): KubeError => {
  const status = Option.getOrUndefined(decode(parseJson(refusal.body)))
  const request = { method: refusal.method, path: refusal.path }
  const detail = status?.message ?? excerpt(refusal.body)
  const fields = { ...request, detail }
  const code = refusal.status
  const after = retryAfter(refusal, status?.details?.retryAfterSeconds)
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
        ...request,
        detail: detail + priorityLevel(refusal.headers),
        retryAfterSeconds: after ?? 1
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
        : new ServerFault({ ...fields, status: code, ...(after !== undefined && { retryAfterSeconds: after }) })
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
