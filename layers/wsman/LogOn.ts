/** NTLM over HTTP: the log-on of one connection (MS-NTHT), after which its messages are sealed. */
import * as Clock from "effect/Clock"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { authenticationField, type Credentials } from "./Credentials.ts"
import { type HttpAnswer, negotiateToken, offered, refusal } from "./HttpAnswer.ts"
import * as NtlmClient from "./NtlmClient.ts"
import type { NtlmSecurity } from "./NtlmSecurity.ts"
import {
  AuthenticationFailed,
  AuthenticationUnsupported,
  Protocol,
  Unavailable,
  type WsmanError
} from "./WsmanError.ts"

export interface LogOnOptions {
  readonly credentials: Credentials
  /** Host name of the listener, as it is dialled. */
  readonly host: string
  /** Posts an empty body with this Authorization header, on the connection that logs on. */
  readonly post: (authorization: string) => Effect.Effect<HttpAnswer, WsmanError>
  /** Whether the connection is still the one that it was. */
  readonly intact: Effect.Effect<boolean>
}

/**
 * Expected flow: NEGOTIATE → 401 with CHALLENGE → AUTHENTICATE → 200.
 *
 * Guarantees: no log-on without signing and sealing of 128 bits; the password reaches the network as a proof only; one
 * AUTHENTICATE, so that a refusal is one refused log-on of the account.
 *
 * Errors: AuthenticationFailed when the account was refused; AuthenticationUnsupported when the listener does not offer what
 * is needed; others as the answers say. None of them had the request that waits behind the log-on.
 */
export const logOn = Effect.fn("LogOn.ntlm")(function* (
  options: LogOnOptions
): Effect.fn.Return<NtlmSecurity, WsmanError> {
  const { credentials, host, post, intact } = options
  const unsupported = (detail: string) =>
    new AuthenticationUnsupported({ field: authenticationField, detail, sent: false })
  const asked = yield* post(`Negotiate ${Base64.encode(NtlmClient.negotiate)}`)
  if (asked.status !== 401) return yield* Effect.fail(refusal(asked))
  const challenge = negotiateToken(asked)
  if (challenge === undefined)
    return yield* unsupported(`the listener offers ${offered(asked)}, and no log-on by NTLM under Negotiate`)
  const crypto = yield* WebCrypto
  const answer = NtlmClient.authenticate(challenge, {
    userName: credentials.userName,
    password: Redacted.value(credentials.password),
    targetName: `host/${host}`,
    epochMillis: yield* Clock.currentTimeMillis,
    clientChallenge: crypto.getRandomValues(new Uint8Array(8)),
    sessionKey: crypto.getRandomValues(new Uint8Array(16))
  })
  if (Result.isFailure(answer)) {
    const { reason, message } = answer.failure
    return yield* reason === "flagsNotGranted" ? unsupported(message) : new Protocol({ detail: message, sent: false })
  }
  const { token, security } = answer.success
  const judged = yield* post(`Negotiate ${Base64.encode(token)}`)
  if (judged.status === 200) return security
  // On another socket the token answers no challenge: that says nothing of the account.
  if (!(yield* intact))
    return yield* new Unavailable({
      kind: "reset",
      detail: "the listener closed the connection during the log-on",
      sent: false
    })
  return yield* judged.status === 401
    ? new AuthenticationFailed({ detail: "HTTP 401 to the log-on by NTLM", sent: false })
    : Effect.fail(refusal(judged))
})
