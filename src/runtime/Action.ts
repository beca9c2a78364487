/** What a reconcile that succeeded asks for. */
import * as Duration from "effect/Duration"

export type Action =
  /** Nothing more until something wakes the key. */
  | { readonly _tag: "Done" }
  /** Again after that time, or earlier when something wakes the key. */
  | { readonly _tag: "RequeueAfter"; readonly duration: Duration.Duration }

export const done: Action = { _tag: "Done" }

export const requeueAfter = (duration: Duration.Input): Action => ({
  _tag: "RequeueAfter",
  duration: Duration.fromInputUnsafe(duration)
})
