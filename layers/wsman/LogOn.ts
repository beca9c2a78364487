/** Logs one connection on, by the method that its credentials mean. */
import * as Effect from "effect/Effect"
import * as Carrier from "./Carrier.ts"
import type { Credentials, LogOnMethod } from "./Credentials.ts"
import { type HttpAnswer, refusal } from "./HttpAnswer.ts"
import * as LogOnKerberos from "./LogOnKerberos.ts"
import * as LogOnNtlm from "./LogOnNtlm.ts"
import { AuthenticationFailed, Unavailable, type WsmanError } from "./WsmanError.ts"

export interface LogOnOptions {
  readonly credentials: Credentials
  /** Host name of the listener, as it is dialled. */
  readonly host: string
  /** Posts an empty body with this Authorization header, on the connection that logs on. */
  readonly post: (authorization: string) => Effect.Effect<HttpAnswer, WsmanError>
  /** False once the connection was lost. */
  readonly intact: Effect.Effect<boolean>
  /** DER of the certificate by which the listener made itself known. */
  readonly peerCertificate: Effect.Effect<Uint8Array | undefined>
}

/** What proves who logs on, in the Authorization header of the next request on the same connection. */
export interface Proof {
  readonly authorization: string
  /** What to make of an answer that lets us in. */
  readonly accepted: (answer: HttpAnswer) => Effect.Effect<Carrier.Carrier, WsmanError>
}

/** What to look at where no password was wrong. */
const remedies: { readonly [scheme: string]: string } = {
  Kerberos:
    "Check that the service principal HTTP/<host> is the host's own, that its clock is right, that Service/Auth/Kerberos is true and Service/Auth/CbtHardeningLevel is not Strict"
}

/** A 401 to a proof. On another socket it answered no challenge: that says nothing of the account. */
const refused = (scheme: string, intact: boolean): AuthenticationFailed | Unavailable =>
  intact
    ? new AuthenticationFailed({
        detail: `HTTP 401 to the log-on by ${scheme}`,
        ...(remedies[scheme] !== undefined && { remedy: remedies[scheme] }),
        sent: false
      })
    : new Unavailable({ kind: "reset", detail: "the listener closed the connection during the log-on", sent: false })

/** Sends the proof with nothing to say: no envelope leaves before both sides know each other. */
const enter = Effect.fnUntraced(function* (
  scheme: string,
  { post, intact }: LogOnOptions,
  { authorization, accepted }: Proof
): Effect.fn.Return<Carrier.Carrier, WsmanError> {
  const judged = yield* post(authorization)
  if (judged.status === 401) return yield* Effect.fail(refused(scheme, yield* intact))
  if (judged.status !== 200) return yield* Effect.fail(refusal(judged, false))
  return yield* accepted(judged)
})

/**
 * Guarantees: one proof for each connection, so that a refusal is one refused log-on of the account; one method, never a
 * weaker one in its place.
 */
export const logOn = (method: LogOnMethod, options: LogOnOptions): Effect.Effect<Carrier.Carrier, WsmanError> => {
  switch (method._tag) {
    case "Basic":
      return Effect.succeed(Carrier.basic(method.authorization))
    case "Certificate":
      return Effect.succeed(Carrier.certificate)
    case "Ntlm":
      return Effect.flatMap(LogOnNtlm.prove(options, method.sealed), (proof) => enter("NTLM", options, proof))
    case "Kerberos":
      return Effect.flatMap(LogOnKerberos.prove(options, method.principal), (proof) =>
        enter("Kerberos", options, proof)
      )
  }
}
