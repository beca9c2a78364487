/** What an exchange with a WinRM listener can end in. */
import * as Data from "effect/Data"
import type { FaultClassification } from "./Fault.ts"

/*
 * `sent` is the same in all of them: whether the far side may have acted on the request. False when no byte of it had
 * left, or when the answer says that nothing was done.
 */

/** The log-on was refused: by 401, or by a fault that says why. */
export class AuthenticationFailed extends Data.TaggedError("WsmanAuthenticationFailed")<{
  /** Of the fault. */
  readonly code?: number
  readonly detail: string
  /** What a person should change, where that is not the Secret's user name and password. */
  readonly remedy?: string
  readonly sent: boolean
}> {
  override get message() {
    return `the log-on was refused: ${this.detail}`
  }
}

/** Logged on, but without the right to use this listener or configuration. */
export class AccessDenied extends Data.TaggedError("WsmanAccessDenied")<{
  readonly detail: string
  readonly sent: boolean
}> {
  override get message() {
    return `access denied: ${this.detail}`
  }
}

/** These credentials cannot be used on this endpoint; nothing was dialled. */
export class AuthenticationUnsupported extends Data.TaggedError("WsmanAuthenticationUnsupported")<{
  /** Field of the provider's spec that a person should change. */
  readonly field: string
  readonly detail: string
  readonly sent: boolean
}> {
  override get message() {
    return `${this.field}: ${this.detail}`
  }
}

export type UnavailableKind =
  | "refused"
  | "unresolved"
  /** The certificate or the handshake. */
  | "tls"
  /** A proxy before the listener. */
  | "proxy"
  /** No Kerberos ticket for the listener is to be had. */
  | "ticket"
  | "reset"
  | "timeout"
  /** This process is not the leader: nothing was dialled. */
  | "fenced"
  /** Something answers, but not a WinRM listener. */
  | "notWinRM"
  | "other"

/** No usable answer came. */
export class Unavailable extends Data.TaggedError("WsmanUnavailable")<{
  readonly kind: UnavailableKind
  readonly detail: string
  readonly sent: boolean
}> {
  override get message() {
    return this.detail
  }
}

/** The listener, or the plugin behind it, answered with a fault. */
export class WsmanFault extends Data.TaggedError("WsmanFault")<{
  readonly code: number | undefined
  readonly subcode: string
  readonly text: string
  readonly classification: FaultClassification
  readonly sent: boolean
}> {
  override get message() {
    const code = this.code === undefined ? "" : ` 0x${this.code.toString(16).toUpperCase().padStart(8, "0")}`
    return `fault${code} ${this.subcode}: ${this.text}`
  }
}

/** The answer breaks the protocol: another message's, or without what it must hold. */
export class Protocol extends Data.TaggedError("WsmanProtocol")<{
  readonly detail: string
  /** Of HTTP, where it is all that came. */
  readonly status?: number
  readonly sent: boolean
}> {
  override get message() {
    return this.detail
  }
}

export type WsmanError =
  | AuthenticationFailed
  | AccessDenied
  | AuthenticationUnsupported
  | Unavailable
  | WsmanFault
  | Protocol
