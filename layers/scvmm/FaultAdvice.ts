/** What a fault of WinRM means on an exec host, and what a person should change about it, by code: pure. */
import type { Fault, FaultClassification } from "../wsman/Fault.ts"
import type { HostUnavailable } from "./ScvmmError.ts"

export interface Advice {
  /** Codes of WSManFault, most of them HRESULTs of WinRM, small ones of Windows. */
  readonly codes: ReadonlyArray<number>
  readonly meaning: string
  /** What a person should change. */
  readonly remedy: string
}

const session = "Check the PowerShell session configuration (spec.transport.configurationName) on this host"
const nothing = "Nothing is to be done: it is tried again on a new session"
const service = "Check the WinRM service of this host if this persists"
const account = "Check username and password of the Secret, and that the account is neither locked nor disabled"

/** docs/winrm.md shows this table. */
export const advices: ReadonlyArray<Advice> = [
  { codes: [0x80338029], meaning: "no output within the operation timeout", remedy: nothing },
  { codes: [0x8033805b, 0x803381cc], meaning: "the shell or command is gone", remedy: nothing },
  {
    codes: [0x803381a5],
    meaning: "too many shells of this user",
    remedy: "Raise MaxShellsPerUser of winrm/config/winrs, or lower spec.sessions"
  },
  {
    codes: [0x803381a6],
    meaning: "too many operations of this user",
    remedy: "Raise MaxConcurrentOperationsPerUser of winrm/config/service"
  },
  {
    codes: [0x803381a7, 0x803381a8],
    meaning: "a quota of the user or of the service is used up",
    remedy: "Raise the quotas of winrm/config/service and winrm/config/winrs, or lower spec.sessions"
  },
  {
    codes: [0x803381ab],
    meaning: "too many users with shells",
    remedy: "Raise MaxConcurrentUsers of winrm/config/winrs"
  },
  {
    codes: [0x803381e4, 0x803381e5, 0x803381e6, 0x803381e7, 0x803381e8, 0x803381ea],
    meaning: "a quota of the session configuration is used up",
    remedy:
      "Raise the quotas of the session configuration (WSMan:\\localhost\\Plugin\\<name>\\Quotas), or lower spec.sessions"
  },
  {
    codes: [0x803381e9],
    meaning: "too many commands in one shell",
    remedy:
      "Raise MaxConcurrentCommandsPerShell of the session configuration (WSMan:\\localhost\\Plugin\\<name>\\Quotas)"
  },
  {
    codes: [14],
    meaning: "the shell is out of memory",
    remedy: "Raise MaxMemoryPerShellMB of winrm/config/winrs and of the session configuration: VMM's module needs 1024"
  },
  {
    codes: [5],
    meaning: "access denied",
    remedy:
      "Let the account use this host: membership of Remote Management Users, and access to the session configuration"
  },
  { codes: [1326], meaning: "unknown user name or wrong password", remedy: account },
  {
    codes: [1327],
    meaning: "the account may not log on so",
    remedy:
      "Lift the account's restrictions: log-on hours, workstations, network log-on; an empty password is refused too"
  },
  { codes: [1330], meaning: "the password has expired", remedy: "Set a new password, and put it into the Secret" },
  { codes: [1331], meaning: "the account is disabled", remedy: "Enable the account" },
  {
    codes: [1907],
    meaning: "the password must be changed first",
    remedy: "Set a password that need not be changed, and put it into the Secret"
  },
  { codes: [1909], meaning: "the account is locked out", remedy: "Unlock the account, then touch the Secret" },
  {
    codes: [0x8033810e],
    meaning: "the authentication is refused",
    remedy: "Allow spec.transport.authentication on this host (winrm/config/service/auth)"
  },
  { codes: [87], meaning: "a parameter is invalid", remedy: session },
  {
    codes: [0x80070002],
    meaning: "a file is not found",
    remedy: "Check that the session configuration names scripts and modules that exist on this host"
  },
  {
    codes: [0x8033800f],
    meaning: "a header is invalid",
    remedy: "Lower spec.transport.operationTimeoutSeconds to MaxTimeoutms of winrm/config"
  },
  {
    codes: [0x8033803b, 0x80338002],
    meaning: "there is no such session configuration",
    remedy:
      "Correct spec.transport.configurationName, or register it on this host (Register-PSSessionConfiguration; Enable-PSRemoting for the default one)"
  },
  {
    codes: [0x80540fa0],
    meaning: "the protocol version is not supported",
    remedy: "Install Windows PowerShell 5.1 on this host"
  },
  {
    codes: [0x803381ac],
    meaning: "remote shells are forbidden",
    remedy: "Set AllowRemoteShellAccess of winrm/config/winrs to true"
  },
  {
    codes: [0x803381e3],
    meaning: "the session configuration takes no remote connections",
    remedy: "Enable it: Enable-PSSessionConfiguration, or Enabled of its quotas"
  },
  {
    codes: [0x80338199],
    meaning: "the host redirects to another",
    remedy: "Name the host it redirects to in spec.execHosts: redirection is not followed"
  },
  {
    codes: [0x80338012, 0x80338112, 0x80338113, 0x80338170, 995, 1722],
    meaning: "the connection to the shell failed",
    remedy: service
  },
  { codes: [0x803381c4], meaning: "the shell is disconnected", remedy: nothing },
  {
    codes: [0x80338111, 0x80338047],
    meaning: "a request is larger than the host takes",
    remedy: "Raise MaxEnvelopeSizekb of winrm/config to 500, its default"
  },
  {
    codes: [0x80338048, 0x80338049],
    meaning: "an answer is larger than the host sends",
    remedy: "Raise MaxEnvelopeSizekb of winrm/config to 500, its default"
  },
  {
    codes: [0x8033807e, 0x80338084, 0x803381c0, 0x803381c2, 0x803381d4, 0x803381d5],
    meaning: "this host wants a request otherwise",
    remedy: "Report it with a recording of the wire"
  },
  {
    codes: [0x803381f2],
    meaning: "the idle timeout is not allowed",
    remedy:
      "Raise MaxIdleTimeoutms of the session configuration (WSMan:\\localhost\\Plugin\\<name>\\Quotas), or lower spec.keepAliveSeconds"
  },
  { codes: [0x803381d6, 0x803381d7], meaning: "the id of a shell or command is in use", remedy: nothing },
  { codes: [0x803381c6, 0x803381cd], meaning: "the shell is connected to another client", remedy: nothing },
  {
    codes: [0x803381c5, 0x803381cf, 0x803381d0],
    meaning: "the shell cannot be disconnected or reconnected",
    remedy: nothing
  },
  {
    codes: [0x803381dd],
    meaning: "the host takes no remote requests",
    remedy: "Enable remoting on this host (Enable-PSRemoting)"
  },
  {
    codes: [0x803381df],
    meaning: "the session configuration's RunAs account cannot be used",
    remedy: "Correct RunAsUser and RunAsPassword of the session configuration"
  },
  {
    codes: [1311],
    meaning: "no domain controller answers",
    remedy: "Check that this host reaches a domain controller; the account is not at fault"
  }
]

const byCode = new Map(advices.flatMap((advice) => advice.codes.map((code) => [code, advice] as const)))

const byClassification: Readonly<Record<FaultClassification, readonly [HostUnavailable["reason"], remedy: string]>> = {
  quota: ["QuotaExceeded", "Raise the WinRM quotas of this host, or lower spec.sessions"],
  memory: ["QuotaExceeded", "Raise MaxMemoryPerShellMB of this host"],
  accessDenied: ["AccessDenied", byCode.get(5)?.remedy ?? ""],
  authentication: ["AccessDenied", account],
  operationTimeout: ["SessionFailed", service],
  invalidSelectors: ["SessionFailed", service],
  disconnected: ["SessionFailed", service],
  envelopeTooLarge: ["QuotaExceeded", "Raise MaxEnvelopeSizekb of winrm/config"],
  invalidRequest: ["SessionFailed", session],
  configuration: ["SessionFailed", session],
  transient: ["SessionFailed", service],
  unknown: ["SessionFailed", session]
}

export const adviceOf = (
  fault: Pick<Fault, "classification"> & { readonly code?: number | undefined }
): { readonly reason: HostUnavailable["reason"]; readonly remedy: string } => {
  const [reason, remedy] = byClassification[fault.classification]
  return { reason, remedy: (fault.code === undefined ? undefined : byCode.get(fault.code))?.remedy ?? remedy }
}
