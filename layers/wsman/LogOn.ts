/** NTLM over HTTP (MS-NTHT): the proof that logs one connection on, and the keys that seal its messages. */
import * as Clock from "effect/Clock"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { authenticationField, type Credentials } from "./Credentials.ts"
import { type HttpAnswer, negotiateToken, offered, refusal } from "./HttpAnswer.ts"
import { tlsServerEndPoint } from "./NtlmChannelBinding.ts"
import * as NtlmClient from "./NtlmClient.ts"
import type { NtlmSecurity } from "./NtlmSecurity.ts"
import {
  AuthenticationFailed,
  AuthenticationUnsupported,
  Protocol,
  Unavailable,
  type WsmanError
} from "./WsmanError.ts"

export interface ChallengeOptions {
  readonly credentials: Credentials
  /** Host name of the listener, as it is dialled. */
  readonly host: string
  /** Posts an empty body with this Authorization header, on the connection that logs on. */
  readonly post: (authorization: string) => Effect.Effect<HttpAnswer, WsmanError>
  /** DER of the certificate by which the listener made itself known. */
  readonly peerCertificate: Effect.Effect<Uint8Array | undefined>
}

/** What proves who logs on, in the Authorization header of the next request on the same connection. */
export interface Proof {
  readonly authorization: string
  /** Established once the proof is accepted. */
  readonly security: NtlmSecurity
}

/**
 * Expected flow: NEGOTIATE → 401 with CHALLENGE → the proof, which the caller sends → anything but 401.
 *
 * Guarantees: no log-on without signing and sealing of 128 bits; the password reaches the network as a proof only, and inside
 * TLS one that counts for this connection alone; one proof, so that a refusal is one refused log-on of the account.
 *
 * Errors: AuthenticationUnsupported when the listener does not offer what is needed; others as the answer says.
 */
export const prove = Effect.fn("LogOn.prove")(function* (
  options: ChallengeOptions
): Effect.fn.Return<Proof, WsmanError> {
  const { credentials, host, post, peerCertificate } = options
  const unsupported = (detail: string) =>
    new AuthenticationUnsupported({ field: authenticationField, detail, sent: false })
  const asked = yield* post(`Negotiate ${Base64.encode(NtlmClient.negotiate)}`)
  if (asked.status !== 401) return yield* Effect.fail(refusal(asked, false))
  const challenge = negotiateToken(asked)
  if (challenge === undefined)
    return yield* unsupported(`the listener offers ${offered(asked)}, and no log-on by NTLM under Negotiate`)
  const crypto = yield* WebCrypto
  const certificate = yield* peerCertificate
  const answer = NtlmClient.authenticate(challenge, {
    userName: credentials.userName,
    password: Redacted.value(credentials.password),
    targetName: `host/${host}`,
    ...(certificate !== undefined && { channelBinding: tlsServerEndPoint(certificate) }),
    epochMillis: yield* Clock.currentTimeMillis,
    clientChallenge: crypto.getRandomValues(new Uint8Array(8)),
    sessionKey: crypto.getRandomValues(new Uint8Array(16))
  })
  if (Result.isFailure(answer)) {
    const { reason, message } = answer.failure
    return yield* reason === "flagsNotGranted" ? unsupported(message) : new Protocol({ detail: message, sent: false })
  }
  const { token, security } = answer.success
  return { authorization: `Negotiate ${Base64.encode(token)}`, security }
})

/** A 401 to a proof. On another socket it answered no challenge: that says nothing of the account. */
export const refused = (intact: boolean): AuthenticationFailed | Unavailable =>
  intact
    ? new AuthenticationFailed({ detail: "HTTP 401 to the log-on by NTLM", sent: false })
    : new Unavailable({ kind: "reset", detail: "the listener closed the connection during the log-on", sent: false })
