/** Runs the operator from its election to its end: what may begin when, and in which order everything is let go (design D11, D18). */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Runtime from "effect/Runtime"
import { Intake } from "../runtime/Intake.ts"
import * as Intakes from "../runtime/Intake.ts"
import type { LeaderElection, LeadershipLost } from "../runtime/LeaderElection.ts"

/** Somebody asked twice: nothing was waited for. Exit code 1; logged where it happened. */
export class EndForced extends Data.TaggedError("EndForced")<{ readonly message: string }> {
  override readonly [Runtime.errorReported] = false
}

export interface Options {
  /** Undefined: this process is the only one, and may act at once. */
  readonly election: LeaderElection | undefined
  /** How long work that runs may go on once the end was asked for. */
  readonly gracefulShutdown: Duration.Duration
  /** Ends when the end is asked for once more. */
  readonly again: Effect.Effect<void>
}

/** What closing sessions and servers may take after that: each has a shorter limit of its own. */
const closingLimit = Duration.seconds(10)
/** The same when leadership was lost: nothing can leave any more, so there is nothing to wait for. */
const lostLimit = Duration.seconds(1)
/** What giving the lease up may take: it ends by itself, which is sooner than an API in trouble may answer. */
const releaseLimit = Duration.seconds(5)

const interrupted = <A, E>(fiber: Fiber.Fiber<A, E>, limit: Duration.Duration) =>
  Fiber.interrupt(fiber).pipe(
    Effect.timeoutOption(limit),
    Effect.map(({ _tag }) => _tag === "Some")
  )

const inTime = Effect.fnUntraced(function* (release: Effect.Effect<void>) {
  const ended = yield* Effect.timeoutOption(release, releaseLimit)
  if (ended._tag === "Some") return
  yield* Effect.logWarning("the leader lease could not be released; others wait for its end", "no answer in time")
})

/**
 * ## Expected flow
 * The operator starts at once and fills its caches; its workers begin when this process leads. Interrupted, no more work
 * begins; what runs may end; the operator is interrupted, which closes its sessions and servers; the lease is released last.
 *
 * ## Guarantees
 * - The lease is renewed until the operator has ended, and released after its fence has closed.
 * - The end comes at the latest `gracefulShutdown` and fifteen seconds after it was asked for, or at once when asked for again.
 *
 * ## Errors
 * LeadershipLost; EndForced; those of the operator, after which the lease is released too.
 */
export const run = <A, E, R>(
  operator: Effect.Effect<A, E, R>,
  { election, gracefulShutdown, again }: Options
): Effect.Effect<A, E | LeadershipLost | EndForced, R> =>
  Effect.gen(function* () {
    const intake = yield* Intakes.make
    const seconds = Duration.toSeconds(gracefulShutdown)

    const finishWork = Effect.gen(function* () {
      const running = yield* intake.running
      yield* Effect.logInfo("ending: no more work is begun").pipe(
        Effect.annotateLogs({ running, graceful_shutdown_s: seconds })
      )
      const ended = yield* Effect.timeoutOption(intake.drain, gracefulShutdown)
      if (ended._tag === "None") {
        yield* Effect.logWarning(`work that did not end within ${seconds} s is interrupted`).pipe(
          Effect.annotateLogs({ running: yield* intake.running })
        )
      }
    })

    const close = Effect.fnUntraced(function* (operating: Fiber.Fiber<A, E>) {
      if (yield* interrupted(operating, closingLimit)) return
      yield* Effect.logWarning("sessions and servers did not close in time; hosts end the sessions when they are idle")
    })

    const forced = Effect.flatMap(again, () => {
      const message = "asked to end again: nothing more is waited for"
      return Effect.andThen(Effect.logError(message), new EndForced({ message }))
    })

    return yield* Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const electing = yield* Effect.forkDetach(restore(election === undefined ? Effect.never : election.run))
        const leading = election === undefined ? Effect.void : election.elected
        const working = Effect.andThen(leading, Effect.andThen(intake.open, Effect.never))
        const operating = yield* Effect.forkDetach(
          restore(Effect.raceFirst(Effect.provideService(operator, Intake, intake), working))
        )
        const release =
          election === undefined ? Effect.void : inTime(Effect.andThen(Fiber.interrupt(electing), election.release))
        /** Fails when leadership is lost; the end of the election by `release` is none. */
        const lost = Effect.flatMap(Fiber.await(electing), (exit) => (Exit.hasInterrupts(exit) ? Effect.never : exit))

        const graceful = finishWork.pipe(Effect.andThen(close(operating)), Effect.andThen(release))
        const end = (exit: Exit.Exit<A, E | LeadershipLost>): Effect.Effect<void, LeadershipLost | EndForced> => {
          if (Exit.hasInterrupts(exit)) return Effect.raceAllFirst([graceful, lost, forced])
          const dead = operating.pollUnsafe() !== undefined
          return dead ? release : Effect.asVoid(interrupted(operating, lostLimit))
        }
        return yield* restore(Effect.raceFirst(Fiber.join(operating), lost)).pipe(
          // In a fiber of its own: this one is being interrupted.
          Effect.onExit((exit) => Effect.flatMap(Effect.forkDetach(restore(end(exit))), Fiber.join))
        )
      })
    )
  })
