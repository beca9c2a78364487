/** How a lane logs on to a WinRM listener. */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { AuthenticationUnsupported } from "./WsmanError.ts"

export interface Credentials {
  readonly authentication: "Negotiate" | "NTLM" | "Basic" | "Certificate" | "Kerberos"
  /** "DOMAIN\\name", "name@domain" or a local name. */
  readonly userName: string
  readonly password: Redacted.Redacted<string>
}

export type LogOnMethod =
  /** The Authorization header of every request (RFC 7617, UTF-8). */
  | { readonly _tag: "Basic"; readonly authorization: Redacted.Redacted<string> }
  /** One log-on for each connection. Without TLS what follows on it is sealed. */
  | { readonly _tag: "Ntlm"; readonly sealed: boolean }

/** The field of ScvmmProvider's spec that chooses the scheme. */
export const authenticationField = "transport.authentication"

const unsupported = (detail: string) =>
  Result.fail(new AuthenticationUnsupported({ field: authenticationField, detail, sent: false }))

/**
 * What these credentials mean on an endpoint of this scheme. Negotiate means NTLM. Basic is refused over plain http: it would
 * show the password to the network.
 */
export const logOnMethod = (
  credentials: Credentials,
  scheme: "http" | "https"
): Result.Result<LogOnMethod, AuthenticationUnsupported> => {
  const { authentication, userName, password } = credentials
  switch (authentication) {
    case "Negotiate":
    case "NTLM":
      return Result.succeed({ _tag: "Ntlm", sealed: scheme === "http" })
    case "Basic":
      if (scheme === "http") return unsupported("Basic over http would send the password in the clear; use https")
      if (userName.includes(":")) return unsupported("Basic cannot carry a user name with a colon")
      return Result.succeed({
        _tag: "Basic",
        authorization: Redacted.make(`Basic ${Base64.encode(`${userName}:${Redacted.value(password)}`)}`)
      })
    case "Certificate":
    case "Kerberos":
      return unsupported(`${authentication} is not supported yet; use Negotiate, or Basic over https`)
  }
}
