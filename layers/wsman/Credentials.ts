/** How a lane logs on to a WinRM listener. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import { AuthenticationUnsupported } from "./WsmanError.ts"

export interface Credentials {
  readonly authentication: "Negotiate" | "NTLM" | "Basic" | "Certificate" | "Kerberos"
  readonly userName: string
  readonly password: Redacted.Redacted<string>
}

/** The field of ScvmmProvider's spec that chooses the scheme. */
const field = "transport.authentication"

const unsupported = (detail: string) => Effect.fail(new AuthenticationUnsupported({ field, detail, sent: false }))

/**
 * The Authorization header of every request (RFC 7617, UTF-8). Basic is refused over plain http: it would show the
 * password to the network.
 */
export const authorization = (
  credentials: Credentials,
  scheme: "http" | "https"
): Effect.Effect<Redacted.Redacted<string>, AuthenticationUnsupported> => {
  if (credentials.authentication !== "Basic")
    return unsupported(`${credentials.authentication} is not supported yet; use Basic over https`)
  if (scheme === "http") return unsupported("Basic over http would send the password in the clear; use https")
  if (credentials.userName.includes(":")) return unsupported("Basic cannot carry a user name with a colon")
  return Effect.succeed(
    Redacted.make(`Basic ${Base64.encode(`${credentials.userName}:${Redacted.value(credentials.password)}`)}`)
  )
}
