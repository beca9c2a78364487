/** NTLM over HTTP (MS-NTHT): the proof that logs one connection on, and the keys that seal its messages. */
import * as Clock from "effect/Clock"
import { WebCrypto } from "effect/crypto/WebCrypto"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Carrier from "./Carrier.ts"
import { authenticationField } from "./Credentials.ts"
import { authenticationToken, offered, refusal } from "./HttpAnswer.ts"
import type { LogOnOptions, Proof } from "./LogOn.ts"
import { tlsServerEndPoint } from "./NtlmChannelBinding.ts"
import * as NtlmClient from "./NtlmClient.ts"
import * as Spnego from "./Spnego.ts"
import { AuthenticationUnsupported, Protocol, type WsmanError } from "./WsmanError.ts"

/** Windows answers a bare token barely; others may wrap it. What is wrapped is answered so. */
const unwrapped = (token: Uint8Array): Result.Result<Uint8Array, string> => {
  if (!Spnego.isWrapped(token)) return Result.succeed(token)
  const read = Spnego.decode(token)
  if (Result.isFailure(read)) return Result.fail(read.failure.message)
  return read.success._tag === "Resp" && read.success.token !== undefined
    ? Result.succeed(read.success.token)
    : Result.fail("the listener sent a token of SPNEGO without a challenge")
}

/**
 * Expected flow: NEGOTIATE → 401 with CHALLENGE → the proof, which the caller sends → 200.
 *
 * Guarantees: no log-on without signing and sealing of 128 bits; the password reaches the network as a proof only, and inside
 * TLS one that counts for this connection alone.
 *
 * Errors: AuthenticationUnsupported when the listener does not offer what is needed; others as the answer says.
 */
export const prove = Effect.fn("LogOn.prove")(function* (
  options: LogOnOptions,
  sealed: boolean
): Effect.fn.Return<Proof, WsmanError> {
  const { credentials, host, post, peerCertificate } = options
  const unsupported = (detail: string) =>
    new AuthenticationUnsupported({ field: authenticationField, detail, sent: false })
  const asked = yield* post(`Negotiate ${Base64.encode(NtlmClient.negotiate)}`)
  if (asked.status !== 401) return yield* Effect.fail(refusal(asked, false))
  const token = authenticationToken(asked, "Negotiate")
  if (token === undefined)
    return yield* unsupported(`the listener offers ${offered(asked)}, and no log-on by NTLM under Negotiate`)
  const challenge = unwrapped(token)
  if (Result.isFailure(challenge)) return yield* new Protocol({ detail: challenge.failure, sent: false })
  const crypto = yield* WebCrypto
  const certificate = yield* peerCertificate
  const answer = NtlmClient.authenticate(challenge.success, {
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
  const { token: proof, security } = answer.success
  const wrapped = challenge.success === token ? proof : Spnego.encodeResp({ token: proof })
  return {
    authorization: `Negotiate ${Base64.encode(wrapped)}`,
    accepted: () => Effect.succeed(sealed ? Carrier.sealed(security) : Carrier.plain)
  }
})
