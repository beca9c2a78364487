/** What a call to SCVMM can end in, typed by what the caller must do about it. */
import * as Schema from "effect/Schema"
import type { Retry } from "../../schemas/Retry.ts"

/** VMM's numbers for an object that another job holds: it comes free by itself, most often within seconds. */
const lockCodes: ReadonlySet<number> = new Set([802, 2602])
const lockMillis = 10_000

/** A name in a spec that VMM does not know, or knows more than once. */
export class ReferenceUnresolved extends Schema.TaggedError<ReferenceUnresolved>()("ScvmmReferenceUnresolved", {
  reason: Schema.Literals(["NotFound", "Ambiguous"]),
  /** Path in ScvmmMachine.spec. */
  field: Schema.String,
  value: Schema.String,
  candidates: Schema.Array(Schema.String)
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return this.reason === "NotFound"
      ? `spec.${this.field}: VMM has no "${this.value}"`
      : `spec.${this.field}: VMM has several "${this.value}": ${this.candidates.join(", ")}`
  }
}

export class VirtualMachineNotFound extends Schema.TaggedError<VirtualMachineNotFound>()(
  "ScvmmVirtualMachineNotFound",
  { id: Schema.String }
) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `VMM has no virtual machine with id ${this.id}`
  }
}

export class VirtualMachineNotOwned extends Schema.TaggedError<VirtualMachineNotOwned>()(
  "ScvmmVirtualMachineNotOwned",
  { id: Schema.String, detail: Schema.String }
) {
  readonly retry: Retry = "terminal"
  override get message(): string {
    return `virtual machine ${this.id} is not ours: ${this.detail}`
  }
}

/** The create verb found a VM with this machine's marker, came too late to commit, or was not sent: look up again. */
export class CreateRefused extends Schema.TaggedError<CreateRefused>()("ScvmmCreateRefused", {
  reason: Schema.Literals(["VirtualMachineExists", "CommitWindowElapsed", "Superseded", "IntentLate"]),
  detail: Schema.String
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `create refused (${this.reason}): ${this.detail}`
  }
}

/** An error record of VMM (`code` is VMM's number), of PowerShell or of our functions (`code` absent). */
export class VmmFailure extends Schema.TaggedError<VmmFailure>()("ScvmmFailure", {
  function: Schema.String,
  errorId: Schema.String,
  code: Schema.optionalKey(Schema.Int),
  detail: Schema.String
}) {
  get retry(): Retry {
    return this.code !== undefined && lockCodes.has(this.code) ? { afterMillis: lockMillis } : "backoff"
  }
  override get message(): string {
    return `${this.function} failed: ${this.detail}`
  }
}

/** The log-on was refused: never repeated before the Secret or the provider changes (design D12). */
export class AuthenticationFailed extends Schema.TaggedError<AuthenticationFailed>()("ScvmmAuthenticationFailed", {
  host: Schema.String,
  detail: Schema.String
}) {
  readonly retry: Retry = "terminal"
  override get message(): string {
    return `${this.host} refused the log-on: ${this.detail}`
  }
}

/** Nothing usable answers there: refused, unresolved, TLS, not WinRM, a quota. `reason` names a condition reason. */
export class HostUnavailable extends Schema.TaggedError<HostUnavailable>()("ScvmmHostUnavailable", {
  host: Schema.String,
  reason: Schema.Literals([
    "ConnectionFailed",
    "CertificateInvalid",
    "NotWinRM",
    "AccessDenied",
    "QuotaExceeded",
    "SessionFailed",
    "ExtraFunctionInvalid",
    "ConnectServerFailed"
  ]),
  detail: Schema.String,
  /** What a person should change. */
  remedy: Schema.String
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `${this.host}: ${this.detail}. ${this.remedy}`
  }
}

/** The session broke in the middle of a read; a new one is dialled. */
export class SessionLost extends Schema.TaggedError<SessionLost>()("ScvmmSessionLost", {
  host: Schema.String,
  function: Schema.String,
  detail: Schema.String
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `session on ${this.host} lost during ${this.function}: ${this.detail}`
  }
}

/** The session broke after a mutation had left: look up before anything else. */
export class OutcomeUnknown extends Schema.TaggedError<OutcomeUnknown>()("ScvmmOutcomeUnknown", {
  host: Schema.String,
  function: Schema.String,
  /** The VM's id, or the name of what was to be made; "" when the call is about neither. */
  asked: Schema.String,
  detail: Schema.String
}) {
  readonly retry: Retry = "outcome-unknown"
  override get message(): string {
    const asked = this.asked === "" ? this.function : `${this.function} of ${this.asked}`
    return `${asked} on ${this.host}: outcome unknown: ${this.detail}`
  }
}

/** The answer is not the JSON that the verb promises. */
export class AnswerInvalid extends Schema.TaggedError<AnswerInvalid>()("ScvmmAnswerInvalid", {
  function: Schema.String,
  detail: Schema.String
}) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `${this.function} answered something else than promised: ${this.detail}`
  }
}

export type ScvmmError =
  | ReferenceUnresolved
  | VirtualMachineNotFound
  | VirtualMachineNotOwned
  | CreateRefused
  | VmmFailure
  | AuthenticationFailed
  | HostUnavailable
  | SessionLost
  | OutcomeUnknown
  | AnswerInvalid
