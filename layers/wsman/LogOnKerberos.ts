/** Kerberos over HTTP (RFC 4559), inside TLS: a ticket for the listener, and the listener's proof in return. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Carrier from "./Carrier.ts"
import { authenticationField } from "./Credentials.ts"
import { authenticationToken } from "./HttpAnswer.ts"
import { type KerberosContext, type KerberosFailure, KerberosLibrary } from "./KerberosLibrary.ts"
import type { LogOnOptions, Proof } from "./LogOn.ts"
import {
  AuthenticationFailed,
  AuthenticationUnsupported,
  Protocol,
  Unavailable,
  type WsmanError
} from "./WsmanError.ts"

/** A KDC that does not answer is given up after this; the library itself would go on for minutes. */
const ticketSeconds = 30

/** What a KDC says of an account: a further try would count against it. */
const isRefusal = (detail: string): boolean =>
  /pre-?authentication failed|credentials have been revoked|password has expired|client.*not found in kerberos database/iu.test(
    detail
  )

const failure = ({ absent, detail }: KerberosFailure, service: string): WsmanError => {
  if (absent)
    return new AuthenticationUnsupported({
      field: authenticationField,
      detail: `Kerberos needs the optional npm package "kerberos" and MIT's libgssapi_krb5 beside the operator: ${detail}`,
      sent: false
    })
  return isRefusal(detail)
    ? new AuthenticationFailed({
        detail: `the KDC refused it: ${detail}`,
        remedy: "Check the client keytab (KRB5_CLIENT_KTNAME) or credential cache (KRB5CCNAME), and the account",
        sent: false
      })
    : new Unavailable({ kind: "ticket", detail: `no Kerberos ticket for ${service}: ${detail}`, sent: false })
}

/** Takes what the listener proves itself with: without it anybody could have answered. */
const acknowledge = Effect.fnUntraced(function* (
  context: KerberosContext,
  token: Uint8Array | undefined
): Effect.fn.Return<Carrier.Carrier, WsmanError> {
  const unproven = (detail: string) =>
    new Protocol({ detail: `the listener did not prove itself by Kerberos: ${detail}`, sent: false })
  if (token === undefined) return yield* unproven("it sent no token")
  yield* Effect.mapError(context.step(Base64.encode(token)), ({ detail }) => unproven(detail))
  return context.complete() ? Carrier.plain : yield* unproven("its token does not end the log-on")
})

/**
 * Expected flow: ticket of the KDC → the proof, which the caller sends → 200 with the listener's own.
 *
 * Guarantees: Kerberos or nothing, never NTLM in its place; nothing but the proof leaves before the listener has proved itself. The ticket is
 * got with the credentials of the process: no password is used.
 *
 * Assumptions: the library has no channel bindings: a listener with CbtHardeningLevel Strict refuses such a log-on.
 *
 * Errors: AuthenticationUnsupported (no library), Unavailable "ticket" (no credentials, no KDC, no such service),
 * AuthenticationFailed when the KDC refuses the account, Protocol when the listener's proof is missing or wrong.
 */
export const prove = Effect.fn("LogOn.prove")(function* (
  { host }: LogOnOptions,
  principal: string
): Effect.fn.Return<Proof, WsmanError> {
  const initiate = yield* KerberosLibrary
  const service = `HTTP@${host}`
  const { context, token } = yield* initiate({ service, principal }).pipe(
    Effect.flatMap((context) => Effect.map(context.step(), (token) => ({ context, token }))),
    Effect.mapError((error) => failure(error, service)),
    Effect.timeoutOrElse({
      duration: ticketSeconds * 1000,
      orElse: () =>
        Effect.fail(
          new Unavailable({
            kind: "ticket",
            detail: `no Kerberos ticket for ${service} in ${ticketSeconds} s`,
            sent: false
          })
        )
    })
  )
  if (token === undefined)
    return yield* new Unavailable({ kind: "ticket", detail: `no Kerberos token for ${service}`, sent: false })
  return {
    authorization: `Kerberos ${token}`,
    accepted: (answer) =>
      acknowledge(context, authenticationToken(answer, "Kerberos") ?? authenticationToken(answer, "Negotiate"))
  }
})
