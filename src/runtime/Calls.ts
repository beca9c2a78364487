/** Calls that take longer than a reconcile may: started by one reconcile, polled by later ones (design §1). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import { Intake } from "./Intake.ts"

/** Milliseconds since the epoch; percent. */
export interface Running {
  readonly _tag: "Running"
  readonly startedAt: number
  readonly progress: number
}

export type Poll<A, E> =
  | { readonly _tag: "Idle" }
  | Running
  | { readonly _tag: "Finished"; readonly exit: Exit.Exit<A, E> }

/**
 * ## Expected flow
 * `start`; the reconcile returns Done. The call ends, `changes` gives its wake key, the reconcile of that key polls and finds it
 * Finished.
 *
 * ## Guarantees
 * - One call a key: none starts while one runs or its exit has not been polled.
 * - An exit is handed out once, and a wake key is given for every call that ended, defects and interruptions included.
 *
 * ## Assumptions
 * One reader of `changes`. The memory is this process's: what must survive it is recorded in Kubernetes first.
 */
export interface Calls<A, E> {
  /** False if a call of that key runs, or ended unpolled. */
  readonly start: <R>(key: string, call: Effect.Effect<A, E, R>, wake: ObjectKey) => Effect.Effect<boolean, never, R>
  /** How far the call of that key is, in percent; its wake key is given when that is further than before. */
  readonly progressed: (key: string, percent: number) => Effect.Effect<void>
  /** Running since `startedAt` (milliseconds); a Finished exit is Idle from then on. */
  readonly poll: (key: string) => Effect.Effect<Poll<A, E>>
  /** Wake keys of calls that ended or came further: an external trigger. */
  readonly changes: Stream.Stream<ObjectKey>
}

/** Calls that are under way are interrupted when the scope closes. */
export const make = Effect.fnUntraced(function* <A, E>(): Effect.fn.Return<Calls<A, E>, never, Scope.Scope> {
  type Known = Exclude<Poll<A, E>, { readonly _tag: "Idle" }>
  const calls = new Map<string, { readonly poll: Known; readonly wake: ObjectKey }>()
  const fibers = yield* FiberSet.make<void>()
  const wakes = yield* Queue.unbounded<ObjectKey>()
  const intake = yield* Intake

  const start = <R>(key: string, call: Effect.Effect<A, E, R>, wake: ObjectKey) =>
    Effect.flatMap(Clock.currentTimeMillis, (startedAt) => {
      if (calls.has(key)) return Effect.succeed(false)
      calls.set(key, { poll: { _tag: "Running", startedAt, progress: 0 }, wake })
      const tracked = Effect.onExit(intake.admit(call), (exit) =>
        Effect.sync(() => {
          calls.set(key, { poll: { _tag: "Finished", exit }, wake })
          Queue.offerUnsafe(wakes, wake)
        })
      )
      // The exit is what is kept: the fiber itself has nobody to fail to.
      return FiberSet.run(fibers, Effect.asVoid(Effect.exit(tracked)), { startImmediately: true }).pipe(Effect.as(true))
    }).pipe(Effect.uninterruptible)

  const progressed = (key: string, percent: number) =>
    Effect.sync(() => {
      const call = calls.get(key)
      if (call?.poll._tag !== "Running" || percent <= call.poll.progress) return
      calls.set(key, { poll: { ...call.poll, progress: percent }, wake: call.wake })
      Queue.offerUnsafe(wakes, call.wake)
    })

  const poll = (key: string) =>
    Effect.sync((): Poll<A, E> => {
      const call = calls.get(key)
      if (call?.poll._tag === "Finished") calls.delete(key)
      return call?.poll ?? { _tag: "Idle" }
    })

  return { start, progressed, poll, changes: Stream.fromQueue(wakes) }
})
