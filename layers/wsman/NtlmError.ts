/** What is wrong with a token or a sealed message of NTLM. */
import * as Data from "effect/Data"

export class NtlmError extends Data.TaggedError("NtlmError")<{
  readonly reason: "malformed" | "flagsNotGranted" | "tampered"
  readonly detail: string
}> {
  override get message() {
    return this.detail
  }
}
