/** Why a connection came to nothing, read from the codes of an HttpClientError's causes. */
import { NotLeader } from "./Fence.ts"

export type DialFailureKind = "refused" | "unresolved" | "tls" | "proxy" | "reset" | "timeout" | "fenced" | "other"

export interface DialFailure {
  readonly kind: DialFailureKind
  /** The code that decided (ECONNREFUSED, CERT_HAS_EXPIRED …); "" when there was none. */
  readonly code: string
  /** For a person: what happened, and for certificates what is wrong with them. Carries no header and no body. */
  readonly text: string
}

/** Code of the error that a connection with a pinned certificate fails with. */
export const thumbprintMismatch = "CERT_THUMBPRINT_MISMATCH"

/** Code of the error that a connection fails with which a proxy stands before; its message names the proxy. */
export const proxyFailed = "PROXY_FAILED"

const table: { readonly [code: string]: readonly [DialFailureKind, string] } = {
  ECONNREFUSED: ["refused", "connection refused"],
  EHOSTUNREACH: ["refused", "no route to the host"],
  ENETUNREACH: ["refused", "no route to the network"],
  EADDRNOTAVAIL: ["refused", "address not available"],
  ENOTFOUND: ["unresolved", "host name not found"],
  EAI_AGAIN: ["unresolved", "name resolution failed for now"],
  ECONNRESET: ["reset", "connection reset by the other side"],
  EPIPE: ["reset", "connection closed by the other side"],
  UND_ERR_SOCKET: ["reset", "connection closed by the other side"],
  UND_ERR_DESTROYED: ["reset", "connection closed"],
  UND_ERR_CLOSED: ["reset", "connection closed"],
  ETIMEDOUT: ["timeout", "connection timed out"],
  UND_ERR_CONNECT_TIMEOUT: ["timeout", "connection timed out"],
  UND_ERR_HEADERS_TIMEOUT: ["timeout", "no answer in time"],
  UND_ERR_BODY_TIMEOUT: ["timeout", "the answer stalled"],
  UND_ERR_HEADERS_OVERFLOW: ["other", "the answer's headers are longer than those of HTTP may be"],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: ["tls", "the certificate's issuer is not known: its CA is missing"],
  UNABLE_TO_GET_ISSUER_CERT: ["tls", "the certificate's issuer is not known: its CA is missing"],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ["tls", "the certificate's issuer is not known: its CA is missing"],
  SELF_SIGNED_CERT_IN_CHAIN: ["tls", "the certificate chain ends in an authority that is not trusted"],
  DEPTH_ZERO_SELF_SIGNED_CERT: ["tls", "the certificate is self-signed and not trusted"],
  CERT_HAS_EXPIRED: ["tls", "the certificate has expired"],
  CERT_NOT_YET_VALID: ["tls", "the certificate is not valid yet"],
  CERT_REVOKED: ["tls", "the certificate is revoked"],
  CERT_SIGNATURE_FAILURE: ["tls", "the certificate's signature does not match the trusted CA"],
  CERT_UNTRUSTED: ["tls", "the certificate is not trusted"],
  INVALID_PURPOSE: ["tls", "the certificate may not be used for a server"],
  EPROTO: ["tls", "the other side does not speak TLS here"],
  ERR_SSL_WRONG_VERSION_NUMBER: ["tls", "the other side does not speak TLS here"],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: ["tls", "the other side does not speak TLS here"]
}

/** The refusal of the fence, where it was that: typed for who can act on it. */
export const notLeader = (error: unknown): NotLeader | undefined => chain(error).find((it) => it instanceof NotLeader)

const field = (value: unknown, name: string): unknown =>
  // Any object may be the cause of an error; a missing field reads as undefined.
  typeof value === "object" && value !== null ? (value as { readonly [key: string]: unknown })[name] : undefined

const string = (value: unknown): string => (typeof value === "string" ? value : "")

/** The error, its causes and an AggregateError's parts, outermost first; bounded, for cycles. */
const chain = (error: unknown): ReadonlyArray<unknown> => {
  const found: Array<unknown> = []
  const waiting = [error]
  while (waiting.length > 0 && found.length < 32) {
    const next = waiting.shift()
    if (next === undefined || next === null || found.includes(next)) continue
    found.push(next)
    const parts = field(next, "errors")
    waiting.push(field(next, "reason"), field(next, "cause"), ...(Array.isArray(parts) ? parts : []))
  }
  return found
}

const decide = (error: unknown): DialFailure | undefined => {
  const code = string(field(error, "code"))
  const message = string(field(error, "message"))
  if (code === thumbprintMismatch || code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return { kind: "tls", code, text: message }
  if (code === proxyFailed) return { kind: "proxy", code, text: message }
  if (/ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE)/u.test(code))
    return { kind: "tls", code, text: "the other side refuses the client certificate, or wants one" }
  if (/UNSUPPORTED_PROTOCOL|ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL_VERSION|VERSION_TOO_LOW/u.test(code))
    return { kind: "tls", code, text: "the other side does not speak TLS 1.2 or newer" }
  const known = Object.hasOwn(table, code) ? table[code] : undefined
  if (known !== undefined) {
    const host = string(field(error, "hostname"))
    return { kind: known[0], code, text: known[0] === "unresolved" && host !== "" ? `${known[1]}: ${host}` : known[1] }
  }
  if (/^(?:ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|UNABLE_TO_)/u.test(code)) {
    return { kind: "tls", code, text: `TLS failed: ${message === "" ? code : message}` }
  }
  // The parser leaves its code out where not even the first bytes are those of HTTP.
  if (code.startsWith("HPE_") || field(error, "name") === "HTTPParserError")
    return { kind: "other", code: code === "" ? "HPE_" : code, text: "the answer is not HTTP; is https expected here?" }
  if (error instanceof NotLeader) return { kind: "fenced", code: "", text: error.message }
  if (field(error, "_tag") === "TimeoutError") return { kind: "timeout", code: "", text: "no answer in time" }
  return undefined
}

/** Sorts a failed exchange by its cause. Pure; takes whatever was thrown, normally an HttpClientError. */
export const classify = (error: unknown): DialFailure => {
  const errors = chain(error)
  // The innermost code says most: undici wraps a TLS alert as "other side closed", an HttpClientError wraps undici.
  for (const candidate of errors.toReversed()) {
    const decided = decide(candidate)
    if (decided !== undefined) return decided
  }
  const innermost = errors.findLast((it) => string(field(it, "message")) !== "")
  const text = innermost === undefined ? string(error) : string(field(innermost, "message"))
  return { kind: "other", code: "", text: text === "" ? "the connection failed" : text }
}
