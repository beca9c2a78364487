/** What a WinRM listener answered over HTTP: an envelope, plain or sealed, or what its status means. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { NtlmSecurity } from "./NtlmSecurity.ts"
import { decodeSealed, isSealed } from "./Sealing.ts"
import { FaultCode } from "./Fault.ts"
import { AccessDenied, AuthenticationFailed, Protocol, Unavailable, WsmanFault, type WsmanError } from "./WsmanError.ts"

export interface HttpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Uint8Array
}

export const soapContentType = "application/soap+xml;charset=UTF-8"

/** The authentication schemes that a 401 offers, for a person. */
export const offered = ({ headers }: HttpAnswer): string => {
  const header = headers["www-authenticate"]
  return header === undefined
    ? "nothing"
    : [...header.matchAll(/(?:^|,)\s*([A-Za-z]+)(?=\s|,|$)/gu)].map(([, name]) => name).join(", ")
}

/** The token that a listener sends with a scheme. */
export const authenticationToken = (
  { headers }: HttpAnswer,
  scheme: "Negotiate" | "Kerberos"
): Uint8Array | undefined => {
  const pattern = new RegExp(String.raw`(?:^|,)\s*${scheme}\s+([A-Za-z0-9+/]+={0,2})\s*(?=,|$)`, "iu")
  const [, found] = pattern.exec(headers["www-authenticate"] ?? "") ?? []
  return found === undefined ? undefined : Result.getOrUndefined(Base64.decode(found))
}

/**
 * An answer that holds no envelope, as an error; `sent`: whether the request held one. Only a 4xx says that nothing was done:
 * a proxy answers 502 or 504, or a page with 200, also for a request that it has handed on.
 */
export const refusal = (answer: HttpAnswer, sent = true): WsmanError => {
  const { status, headers, body } = answer
  if (status === 401)
    return new AuthenticationFailed({ detail: `HTTP 401; the listener offers ${offered(answer)}`, sent: false })
  if (status === 403) return new AccessDenied({ detail: "HTTP 403", sent: false })
  // WinRM answers so when it lost a session's encryption state or a shell is disconnected.
  if (body.length === 0 && (status === 400 || status === 500))
    return new Protocol({ detail: `HTTP ${status} without a body`, status, sent })
  if (status === 413)
    return new WsmanFault({
      code: FaultCode.HttpRequestTooLarge,
      subcode: "EncodingLimit",
      text: "HTTP 413: the request exceeds MaxEnvelopeSizekb",
      classification: "envelopeTooLarge",
      sent: false
    })
  if (status === 425 || status === 429 || status === 503)
    return new Unavailable({ kind: "other", detail: `HTTP ${status}`, sent })
  return new Unavailable({
    kind: "notWinRM",
    detail: `HTTP ${status} with content type "${headers["content-type"] ?? ""}" is no answer of WinRM`,
    sent: sent && (status < 400 || status >= 500)
  })
}

/** WinRM sends envelopes with these, of a success or of a fault. */
const holdsEnvelope = ({ status, body }: HttpAnswer): boolean =>
  body.length > 0 && (status === 200 || status === 400 || status === 500)

const isSoap = ({ headers }: HttpAnswer): boolean =>
  (headers["content-type"] ?? "").toLowerCase().startsWith("application/soap+xml")

const text = new TextDecoder()

export const envelopeOf = (answer: HttpAnswer): Effect.Effect<string, WsmanError> =>
  holdsEnvelope(answer) && isSoap(answer) ? Effect.succeed(text.decode(answer.body)) : Effect.fail(refusal(answer))

/** The envelope of an answer to a sealed one. Never taken in the clear: anybody could have written that. */
export const unsealedEnvelopeOf = (answer: HttpAnswer, security: NtlmSecurity): Effect.Effect<string, WsmanError> => {
  const contentType = answer.headers["content-type"]
  if (!holdsEnvelope(answer)) return Effect.fail(refusal(answer))
  if (contentType === undefined || !isSealed(contentType))
    return isSoap(answer)
      ? Effect.fail(new Protocol({ detail: "a sealed request was answered in the clear", sent: true }))
      : Effect.fail(refusal(answer))
  return Effect.fromResult(
    Result.map(Result.flatMap(decodeSealed(contentType, answer.body), security.unseal), (bytes) => text.decode(bytes))
  ).pipe(Effect.mapError((error) => new Protocol({ detail: error.message, sent: true })))
}
