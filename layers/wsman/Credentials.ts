/** How a lane logs on to a WinRM listener. */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { Endpoint } from "../Dial.ts"
import { AuthenticationUnsupported } from "./WsmanError.ts"

export interface Credentials {
  readonly authentication: "Negotiate" | "NTLM" | "Basic" | "Certificate" | "Kerberos"
  /** "DOMAIN\\name", "name@domain" or a local name. Certificate does not use it. */
  readonly userName: string
  /** Certificate and Kerberos do not use it. */
  readonly password: Redacted.Redacted<string>
}

export type LogOnMethod =
  /** The Authorization header of every request (RFC 7617, UTF-8). */
  | { readonly _tag: "Basic"; readonly authorization: Redacted.Redacted<string> }
  /** The client certificate of the connection (DSP0226 C.3.2). */
  | { readonly _tag: "Certificate" }
  /** One log-on for each connection. Without TLS what follows on it is sealed. */
  | { readonly _tag: "Ntlm"; readonly sealed: boolean }
  /** One log-on for each connection; `principal` "" is that of the credential cache. */
  | { readonly _tag: "Kerberos"; readonly principal: string }

/** The field of ScvmmProvider's spec that chooses the scheme. */
export const authenticationField = "transport.authentication"

/** "name@domain" as a principal: realms are written in capitals. Other names do not tell of their realm. */
const principalOf = (userName: string): string => {
  const at = userName.lastIndexOf("@")
  return at <= 0 ? "" : `${userName.slice(0, at)}@${userName.slice(at + 1).toUpperCase()}`
}

const unsupported = (detail: string) =>
  Result.fail(new AuthenticationUnsupported({ field: authenticationField, detail, sent: false }))

/**
 * What these credentials mean on an endpoint. Negotiate means NTLM. Over plain http only what seals its messages is let
 * through: Basic would show the password to the network, Certificate has no certificate there, and Kerberos does not seal here.
 */
export const logOnMethod = (
  { authentication, userName, password }: Credentials,
  { origin, tls }: Pick<Endpoint, "origin" | "tls">
): Result.Result<LogOnMethod, AuthenticationUnsupported> => {
  const secure = origin.startsWith("https:")
  switch (authentication) {
    case "Negotiate":
    case "NTLM":
      return Result.succeed({ _tag: "Ntlm", sealed: !secure })
    case "Basic":
      if (!secure) return unsupported("Basic over http would send the password in the clear; use https")
      if (userName.includes(":")) return unsupported("Basic cannot carry a user name with a colon")
      return Result.succeed({
        _tag: "Basic",
        authorization: Redacted.make(`Basic ${Base64.encode(`${userName}:${Redacted.value(password)}`)}`)
      })
    case "Certificate":
      return secure && tls?.cert !== undefined && tls.key !== undefined
        ? Result.succeed({ _tag: "Certificate" })
        : unsupported("Certificate needs https, and a client certificate with its key")
    case "Kerberos":
      return secure
        ? Result.succeed({ _tag: "Kerberos", principal: principalOf(userName) })
        : unsupported("Kerberos needs https: it does not seal messages here")
  }
}
