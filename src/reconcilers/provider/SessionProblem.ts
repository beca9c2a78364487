/** Why no session came about, for the condition ScvmmAvailable: pure. */
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Stopped } from "../../../layers/scvmm/Circuit.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import type { Problem } from "./Connection.ts"

/** metav1.Time: whole seconds, UTC. */
export const timeOf = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19)}Z`

const reasonOf = (error: ScvmmError): string => {
  if (error._tag === "ScvmmHostUnavailable") return error.reason
  return error._tag === "ScvmmAuthenticationFailed" ? "AuthenticationFailed" : "SessionFailed"
}

/** `stopped` tells of a refused log-on since when no other is tried, and what changes that. */
export const sessionProblem = (error: ScvmmError, stopped: Stopped | undefined): Problem => ({
  _tag: "Problem",
  reason: reasonOf(error),
  message:
    error._tag === "ScvmmAuthenticationFailed" && stopped !== undefined
      ? `${error.message}. No log-on is tried since ${timeOf(stopped.since)}, so that the account is not locked; the next is at ${timeOf(stopped.nextAt)}, or at once when Secret or spec change, or when the annotation ${Contract.retryAuthAnnotation} asks for it`
      : error.message
})
