/** Why an exec host cannot be used, with what a person should change about it: pure. */
import type { PsrpError } from "../psrp/PsrpError.ts"
import type { UnavailableKind, WsmanError } from "../wsman/WsmanError.ts"
import { adviceOf } from "./FaultAdvice.ts"
import { AuthenticationFailed, HostUnavailable } from "./ScvmmError.ts"

/** Why no session came about. */
export type DialError = AuthenticationFailed | HostUnavailable

type Reason = HostUnavailable["reason"]

const connectionRemedy = "Check spec.execHosts, spec.transport.scheme and port, and that WinRM listens there"
const sessionRemedy = "Check the PowerShell session configuration (spec.transport.configurationName) on this host"

const byKind: Readonly<Record<UnavailableKind, readonly [Reason, string]>> = {
  refused: ["ConnectionFailed", connectionRemedy],
  unresolved: ["ConnectionFailed", "Check the name in spec.execHosts and the cluster's DNS"],
  reset: ["ConnectionFailed", connectionRemedy],
  timeout: ["ConnectionFailed", `${connectionRemedy}; a firewall may drop the packets`],
  fenced: ["ConnectionFailed", "Nothing is to be done: the replica that leads goes on"],
  other: ["ConnectionFailed", "Check the WinRM service of this host, and proxies before it"],
  tls: [
    "CertificateInvalid",
    "Check spec.transport.caBundle (or ca.crt of the Secret), spec.transport.serverCertificateThumbprint and the listener's certificate"
  ],
  proxy: [
    "ConnectionFailed",
    "Check HTTPS_PROXY, HTTP_PROXY and NO_PROXY of the operator, and that the proxy lets it reach this host"
  ],
  ticket: [
    "ConnectionFailed",
    "Check the operator's Kerberos: KRB5_CONFIG, the client keytab (KRB5_CLIENT_KTNAME) or credential cache (KRB5CCNAME), and the service principal HTTP/<host>"
  ],
  notWinRM: ["NotWinRM", "Check spec.transport.scheme and spec.transport.port: no WinRM listener answers there"]
}

/** A failure of the transport, or of the runspace pool, while nothing of ours ran yet. */
export const fromOpenError = (host: string, error: WsmanError | PsrpError): DialError => {
  const unavailable = ([reason, remedy]: readonly [Reason, string]) =>
    new HostUnavailable({ host, reason, detail: error.message, remedy })
  switch (error._tag) {
    case "WsmanAuthenticationFailed":
      return new AuthenticationFailed({
        host,
        detail: `${error.detail.replace(/\.$/u, "")}. ${error.remedy ?? adviceOf({ classification: "authentication", code: error.code }).remedy}`
      })
    case "WsmanAccessDenied":
      return unavailable(["AccessDenied", adviceOf({ classification: "accessDenied" }).remedy])
    case "WsmanAuthenticationUnsupported":
      return unavailable(["ConnectionFailed", `Change spec.${error.field}, or what the listener offers`])
    case "WsmanUnavailable":
      return unavailable(byKind[error.kind])
    case "WsmanFault": {
      const { reason, remedy } = adviceOf(error)
      return unavailable([reason, remedy])
    }
    case "WsmanProtocol":
      return unavailable([
        "NotWinRM",
        "What answers there breaks WinRM's protocol: check the WinRM service of this host, and proxies before it"
      ])
    case "PsrpTransportFailed":
      return fromOpenError(host, error.cause)
    case "PsrpProtocolViolation":
    case "PsrpPoolBroken":
    case "PsrpOutputTooLarge":
    case "PsrpPromptRefused":
      return unavailable(["SessionFailed", sessionRemedy])
  }
}

/** What a request ended in that was refused for reasons of the host, not of the request: another session would fare no better. */
export const fromRefusal = (host: string, error: WsmanError): DialError | undefined =>
  error.sent
    ? undefined
    : error._tag === "WsmanAuthenticationFailed" ||
        error._tag === "WsmanAccessDenied" ||
        (error._tag === "WsmanFault" &&
          (error.classification === "quota" ||
            error.classification === "envelopeTooLarge" ||
            error.classification === "configuration"))
      ? fromOpenError(host, error)
      : undefined
