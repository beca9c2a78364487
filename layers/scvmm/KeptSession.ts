/** A session of a pool, and what is known of its use: looked at, and judged. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { OpenSession } from "./Dialling.ts"
import * as Recycling from "./Recycling.ts"
import { AuthenticationFailed } from "./ScvmmError.ts"
import { fromRefusal } from "./Unavailability.ts"

export interface KeptSession {
  readonly session: OpenSession
  /** Closing it deletes the shell. */
  readonly scope: Scope.Closeable
  /** Monotonic milliseconds of its last use. */
  since: number
  /** As of the last look. */
  memoryUsedBytes: number | undefined
  /** Its calls at the last look. */
  lookedAt: number
}

export const make = (session: OpenSession, scope: Scope.Closeable, since: number): KeptSession => ({
  session,
  scope,
  since,
  memoryUsedBytes: undefined,
  lookedAt: 0
})

/**
 * A look that takes longer is as good as a dead session: the caller is better served by a new one. Enough for a log-on after
 * the two seconds in which a connection that something between forgot is found out.
 */
const lookLimit = "8 seconds"

/**
 * One exchange, beside those of calls. False when the session is dead, as far as can be seen in time. Fails only when the host
 * refused the log-on that goes with it.
 */
export const look = Effect.fnUntraced(function* (kept: KeptSession): Effect.fn.Return<boolean, AuthenticationFailed> {
  kept.lookedAt = kept.session.calls
  const looked = yield* Effect.result(Effect.timeoutOption(kept.session.pool.check, lookLimit))
  if (looked._tag === "Success") {
    if (Option.isNone(looked.success)) return false
    kept.memoryUsedBytes = looked.success.value.memoryUsedBytes
    return true
  }
  const error = looked.failure
  const refusal = error._tag === "PsrpTransportFailed" ? fromRefusal(kept.session.execHost, error.cause) : undefined
  return refusal instanceof AuthenticationFailed ? yield* refusal : false
})

/** Whether it must not be used again after what ended so. */
export const unusable = ({ session }: KeptSession, exit: Exit.Exit<unknown, unknown>): Effect.Effect<boolean> =>
  Effect.map(
    session.pool.broken,
    (broken) => session.spoiled || Option.isSome(broken) || (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause))
  )

/** Why another one should take its place although it works. */
export const wornOut = ({ session: { calls }, memoryUsedBytes }: KeptSession): string | undefined =>
  Recycling.reasonToReplace({ calls, memoryUsedBytes })
