/** Why an exec host cannot be used, with what a person should change about it: pure. */
import type { PsrpError } from "../psrp/PsrpError.ts"
import type { FaultClassification } from "../wsman/Fault.ts"
import type { UnavailableKind, WsmanError } from "../wsman/WsmanError.ts"
import { AuthenticationFailed, HostUnavailable } from "./ScvmmError.ts"

/** Why no session came about. */
export type DialError = AuthenticationFailed | HostUnavailable

type Reason = HostUnavailable["reason"]

const connectionRemedy = "Check spec.execHosts, spec.transport.port and that WinRM listens there"
const sessionRemedy = "Check the PowerShell session configuration (spec.transport.configurationName) on this host"

const byKind: Readonly<Record<UnavailableKind, readonly [Reason, string]>> = {
  refused: ["ConnectionFailed", connectionRemedy],
  unresolved: ["ConnectionFailed", "Check the name in spec.execHosts and the cluster's DNS"],
  reset: ["ConnectionFailed", connectionRemedy],
  timeout: ["ConnectionFailed", `${connectionRemedy}; a firewall may drop the packets`],
  fenced: ["ConnectionFailed", "Nothing is to be done: the replica that leads goes on"],
  other: ["ConnectionFailed", connectionRemedy],
  tls: [
    "CertificateInvalid",
    "Check spec.transport.caBundle (or ca.crt of the Secret), spec.transport.serverCertificateThumbprint and the listener's certificate"
  ],
  notWinRM: ["NotWinRM", "Check spec.transport.scheme and spec.transport.port: no WinRM listener answers there"]
}

const byFault: Readonly<Record<FaultClassification, readonly [Reason, string]>> = {
  quota: [
    "QuotaExceeded",
    "Raise the WinRM quotas of this host (MaxShellsPerUser, MaxMemoryPerShellMB) or lower spec.sessions"
  ],
  accessDenied: [
    "AccessDenied",
    "Let the account use this host: membership of Remote Management Users, and access to the session configuration"
  ],
  authentication: ["AccessDenied", "Check the account"],
  operationTimeout: ["SessionFailed", sessionRemedy],
  invalidSelectors: ["SessionFailed", sessionRemedy],
  invalidRequest: ["SessionFailed", sessionRemedy],
  configuration: ["SessionFailed", "Check that remote shells are allowed on this host (AllowRemoteShellAccess)"],
  transient: ["SessionFailed", "Check the WinRM service of this host if this persists"],
  unknown: ["SessionFailed", sessionRemedy]
}

/** A failure of the transport, or of the runspace pool, while nothing of ours ran yet. */
export const fromOpenError = (host: string, error: WsmanError | PsrpError): DialError => {
  const unavailable = ([reason, remedy]: readonly [Reason, string]) =>
    new HostUnavailable({ host, reason, detail: error.message, remedy })
  switch (error._tag) {
    case "WsmanAuthenticationFailed":
      return new AuthenticationFailed({ host, detail: error.detail })
    case "WsmanAccessDenied":
      return unavailable(byFault.accessDenied)
    case "WsmanAuthenticationUnsupported":
      return unavailable([
        "ConnectionFailed",
        `Change spec.${error.field} or the listener: this version speaks NTLM, and Basic over https`
      ])
    case "WsmanUnavailable":
      return unavailable(byKind[error.kind])
    case "WsmanFault":
      return error.classification === "authentication"
        ? new AuthenticationFailed({ host, detail: error.message })
        : unavailable(byFault[error.classification])
    case "WsmanProtocol":
      return unavailable(byKind.notWinRM)
    case "PsrpTransportFailed":
      return fromOpenError(host, error.cause)
    case "PsrpProtocolViolation":
    case "PsrpPoolBroken":
    case "PsrpPromptRefused":
      return unavailable(["SessionFailed", sessionRemedy])
  }
}

/** Whether the transport refused the log-on. */
export const isLogOnRefused = (error: WsmanError): boolean =>
  error._tag === "WsmanAuthenticationFailed" ||
  (error._tag === "WsmanFault" && error.classification === "authentication")
