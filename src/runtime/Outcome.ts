/** How a reconcile ended, and what follows from it: pure. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { Conflict } from "../../layers/kube/KubeError.ts"
import type { Action } from "./Action.ts"
import type { Failure } from "./RetryPolicy.ts"
import { backoffMillis, decide } from "./RetryPolicy.ts"

interface Common {
  /** controller-runtime's label of controller_runtime_reconcile_total. */
  readonly result: "success" | "error" | "requeue_after" | "requeue"
  /** When the key runs again by itself; undefined: only when something wakes it. */
  readonly afterMillis: number | undefined
  /** Whether this lengthens the next back-off; if not, earlier failures are forgotten. */
  readonly counts: boolean
}

export type Outcome = Common &
  (
    | { readonly _tag: "Success" }
    /** Somebody wrote the object first: no error, the next reconcile sees the newer copy. */
    | { readonly _tag: "Conflict"; readonly message: string }
    | { readonly _tag: "Error" | "Terminal"; readonly error: string; readonly message: string }
    /** A defect, or an interruption that did not come from outside. */
    | { readonly _tag: "Panic" }
  )

const ofAction = (action: Action): Outcome =>
  action._tag === "Done"
    ? { _tag: "Success", result: "success", afterMillis: undefined, counts: false }
    : { _tag: "Success", result: "requeue_after", afterMillis: Duration.toMillis(action.duration), counts: false }

/** `failures` counts this run, should it have failed; 0 ≤ `random` < 1 spreads the back-off. */
export const of = <E extends Failure>(exit: Exit.Exit<Action, E>, failures: number, random: number): Outcome => {
  if (Exit.isSuccess(exit)) return ofAction(exit.value)
  const retried = { afterMillis: backoffMillis(failures, random), counts: true } as const
  // A defect beside a failure is the news: a failure alone is one that the code foresaw.
  const died = exit.cause.reasons.some((reason) => !Cause.isFailReason(reason))
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  if (died || error === undefined) return { _tag: "Panic", result: "error", ...retried }
  if (error instanceof Conflict && error.reason === "Conflict") {
    return { _tag: "Conflict", result: "requeue", message: error.message, ...retried }
  }
  return {
    _tag: error.retry === "terminal" ? "Terminal" : "Error",
    result: "error",
    error: tagOf(error),
    message: error.message,
    ...decide(error.retry, failures, random)
  }
}

const tagOf = (error: Failure): string => ("_tag" in error && typeof error._tag === "string" ? error._tag : "Error")
