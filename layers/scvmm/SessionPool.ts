/** The sessions of one provider, at one version of its spec and Secret: lent, looked after, replaced, released (design D17). */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type * as Dial from "../Dial.ts"
import * as Monotonic from "../Monotonic.ts"
import * as Capacity from "./Capacity.ts"
import * as Dialling from "./Dialling.ts"
import * as HostOrder from "./HostOrder.ts"
import * as KeptSession from "./KeptSession.ts"
import * as Recycling from "./Recycling.ts"
import { AuthenticationFailed, HostUnavailable } from "./ScvmmError.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"
import { type Caller, SessionQueue } from "./SessionQueue.ts"
import * as SessionRelease from "./SessionRelease.ts"
import type { Kind } from "./Turn.ts"
import type { DialError } from "./Unavailability.ts"

type Kept = KeptSession.KeptSession

export interface SessionPool {
  /**
   * Lends a session for the time of `f`, dialling when none is free and fewer than `mostSessions` are open. A `blocking` call
   * waits for a second session rather than take the only one, so that a read always finds one; where the hosts' quotas allow a
   * single one, it takes that. While they allow no more, it waits for one.
   */
  readonly borrow: <A, E, R>(
    kind: Kind,
    f: (session: Dialling.OpenSession) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DialError, R>
  readonly counts: () => { readonly open: number; readonly idle: number }
  /** Keeps one session, however long it is idle, until told otherwise. */
  readonly keepWarm: (warm: boolean) => Effect.Effect<void>
}

/** A quota of the exec hosts, which takes no further session. */
const isQuota = (error: DialError): error is HostUnavailable =>
  error instanceof HostUnavailable && error.reason === "QuotaExceeded"

/** How long a read waits for a place while a quota keeps the places few: the last that did not block may have been lost. */
const patience = "30 seconds"

/** Why a session is replaced that works, for its log line. */
const hostWorks = "an exec host before this one works again"

/** Sessions that a provider may have open: spec.sessions, but never less than one that blocks and one that reads. */
export const mostSessions = ({ sessions }: ProviderConnection): number => Math.max(2, sessions)

/**
 * Guarantees: never more than `mostSessions` shells, those that are being deleted included. One dial at a time, and whoever
 * waits for it shares its failure instead of trying again: ten callers with a wrong password are one refused log-on, with a
 * dead host one time-out. A failure is not kept: who comes later dials anew. A dial outlives those who wait for it. Own code
 * rather than effect's Pool, which replaces a discarded session at once, whether or not anybody waits, and can neither look
 * at an idle one nor keep the last.
 *
 * Errors: of the dial; a read that finds no place for half a minute while a quota keeps them few fails with its refusal.
 */
export const make = Effect.fnUntraced(function* (
  connection: ProviderConnection,
  means: Dialling.Means
): Effect.fn.Return<SessionPool, never, Scope.Scope | Dial.Dial> {
  const home = yield* Effect.context<Dial.Dial>()
  const own = yield* Effect.scope
  // Closed side by side: each may take seconds.
  const shells = yield* Scope.fork(own, "parallel")
  const chores = yield* FiberSet.make<void>()
  yield* Effect.addFinalizer(() => FiberSet.awaitEmpty(chores))
  const most = mostSessions(connection)
  const { circuit } = means
  const capacity = Capacity.make(most)
  const queue = new SessionQueue<Kept>(capacity)
  // Who still waits when the pool ends is not served any more.
  yield* Effect.addFinalizer(() => Effect.sync(() => queue.disappoint(Exit.interrupt(), true)))
  let hosts: HostOrder.HostStates = new Map()
  /** Shells, from the end of their dial to their deletion. */
  let open = 0
  let dialling = false

  /** On the pool's own services: a caller's span must not become the parent of what outlives it. */
  const background = (chore: Effect.Effect<void, never, Dial.Dial>): Effect.Effect<void> =>
    Effect.asVoid(FiberSet.run(chores, Effect.setContext(chore, home)))

  const discard = (kept: Kept, reason?: string): Effect.Effect<void> =>
    background(
      Effect.gen(function* () {
        if (reason !== undefined)
          yield* Effect.logInfo("PowerShell session replaced").pipe(
            Effect.annotateLogs({ exec_host: kept.session.execHost, shell_id: kept.session.shellId, reason })
          )
        yield* Scope.close(kept.scope, Exit.void)
      }).pipe(
        Effect.ensuring(
          Effect.suspend(() => {
            open -= 1
            return pump
          })
        )
      )
    )

  const releasing = yield* SessionRelease.make(queue.idle, connection.keepAliveSeconds * 1000, (count) =>
    Effect.forEach(
      queue.remove((_, index) => index < count),
      (kept) => discard(kept),
      { discard: true }
    )
  )

  const lend = (kept: Kept): Effect.Effect<void> =>
    Effect.suspend(() => {
      queue.add(kept)
      // Otherwise the loop sleeps until a session is due that was idle earlier.
      if (queue.idle.length === 1) releasing.wake()
      return pump
    })

  const givesWay = ({ session }: Kept): boolean => HostOrder.givesWay(connection.execHosts, hosts, session.execHost)

  const opened = Effect.fnUntraced(function* (session: Dialling.OpenSession, scope: Scope.Closeable) {
    open += 1
    yield* capacity.accepted
    for (const kept of queue.remove(givesWay)) yield* discard(kept, hostWorks)
    yield* lend(KeptSession.make(session, scope, yield* Monotonic.millis))
  })

  const report = Effect.fnUntraced(function* (result: Dialling.HostResult) {
    hosts = HostOrder.after(hosts, result.host, result.ok, yield* Monotonic.millis)
    yield* means.report(result)
  })

  /** To be run at once. `only`: a try of hosts that are preferred to those in use, which nobody waits for. */
  const dial = (only?: ReadonlyArray<string>): Effect.Effect<void> => {
    dialling = true
    const attempt = Effect.gen(function* () {
      const execHosts = only ?? HostOrder.order(connection.execHosts, hosts, yield* Monotonic.millis)
      const scope = yield* Scope.fork(shells)
      const result = yield* Dialling.dial({ ...connection, execHosts }, { ...means, report }).pipe(
        Scope.provide(scope),
        // Of a host that is preferred, it says nothing of those in use.
        Effect.tapError((error) =>
          isQuota(error) && only === undefined ? capacity.refused(open, error) : Effect.void
        ),
        (dialled) => Effect.andThen(capacity.check(open), dialled),
        Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
        Effect.result
      )
      dialling = false
      if (result._tag === "Success") yield* opened(result.success, scope)
      else if (only === undefined) {
        // A refusal may have made a free session one that can be lent.
        queue.serve()
        queue.disappoint(Exit.fail(result.failure))
      }
      yield* pump
    }).pipe(
      // Nobody may wait for a dial that is no more.
      Effect.onError((cause) =>
        Effect.sync(() => {
          dialling = false
          queue.disappoint(Exit.failCause(cause), true)
        })
      )
    )
    return Effect.asVoid(Effect.forkIn(Effect.setContext(attempt, home), own))
  }

  /** Whatever can go on goes on: to be run whenever a session, a place or a turn came free. */
  const pump: Effect.Effect<void> = Effect.suspend(() =>
    queue.serve() && !dialling && open < most ? dial() : Effect.void
  )

  const look = (kept: Kept): Effect.Effect<boolean, AuthenticationFailed> =>
    Effect.tapError(KeptSession.look(kept), (error) => circuit.refused(connection, error))

  /** Between calls, or beside them: what it finds counts when the session is given back, or now when it is free. */
  const inspect = (kept: Kept): Effect.Effect<void> =>
    Effect.matchEffect(look(kept), {
      // The circuit knows.
      onFailure: () => Effect.succeed(false),
      onSuccess: Effect.succeed
    }).pipe(
      Effect.flatMap((alive) => {
        kept.session.spoiled ||= !alive
        const worn = KeptSession.wornOut(kept)
        const free = alive && worn === undefined ? [] : queue.remove((one) => one === kept)
        return Effect.forEach(free, () => discard(kept, worn), { discard: true })
      })
    )

  const giveBack = (caller: Caller<Kept>, kept: Kept, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> =>
    Effect.gen(function* () {
      const now = yield* Monotonic.millis
      const useless = yield* KeptSession.unusable(kept, exit)
      const closing = open - queue.idle.length - queue.inUse.read - queue.inUse.blocking
      const { execHost, calls } = kept.session
      kept.since = now
      queue.leave(caller)
      const reason = KeptSession.wornOut(kept) ?? (givesWay(kept) ? hostWorks : undefined)
      if (useless || reason !== undefined)
        return yield* Effect.andThen(discard(kept, useless ? undefined : reason), pump)
      const preferred = HostOrder.worthTrying(connection.execHosts, hosts, execHost, now)
      if (preferred.length > 0 && !dialling) {
        if (open < most) return yield* Effect.andThen(dial(preferred), lend(kept))
        // All sessions are open: one makes room, so that the next that is needed is dialled where it should be.
        if (closing === 0) return yield* Effect.andThen(discard(kept), pump)
      }
      yield* lend(kept)
      if (Recycling.looks(calls, kept.lookedAt)) yield* background(inspect(kept))
    })

  const served = (caller: Caller<Kept>): Effect.Effect<Kept, DialError> => {
    const wait = Deferred.await(caller.served)
    if (caller.kind === "blocking") return wait
    return Effect.flatMap(Effect.timeoutOption(wait, patience), (kept): Effect.Effect<Kept, DialError> => {
      if (Option.isSome(kept)) return Effect.succeed(kept.value)
      const refusal = capacity.refusal()
      if (caller.session !== undefined || refusal === undefined) return served(caller)
      queue.withdraw(caller)
      return Effect.fail(refusal)
    })
  }

  type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

  const acquire = (kind: Kind, restore: Restore, first = false): Effect.Effect<[Caller<Kept>, Kept], DialError> =>
    Effect.gen(function* () {
      // Sessions that are open have the same password.
      yield* circuit.check(connection)
      yield* capacity.reopened
      const caller = queue.ask(kind, first)
      yield* pump
      const kept =
        caller.session ??
        (yield* restore(served(caller)).pipe(
          Effect.onInterrupt(() => {
            queue.withdraw(caller)
            if (caller.session === undefined) return Effect.void
            queue.leave(caller)
            return lend(caller.session)
          })
        ))
      if ((yield* Monotonic.millis) - kept.since <= Recycling.trustedMillis) return [caller, kept]
      const alive = yield* restore(look(kept)).pipe(
        // An interrupted look as well: of a silent host, callers with little patience would each wait in vain for the same one.
        Effect.onExit((exit) => {
          if (Exit.isSuccess(exit) && exit.value) return Effect.void
          queue.leave(caller)
          return discard(kept)
        }),
        // Whoever waited for its place; of a dead one the place goes to this caller again, whose turn it is still.
        Effect.onError(() => pump)
      )
      return alive ? [caller, kept] : yield* acquire(kind, restore, true)
    })

  const borrow: SessionPool["borrow"] = (kind, f) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(acquire(kind, restore), ([caller, kept]) =>
        restore(f(kept.session)).pipe(
          Effect.tapError((error) =>
            error instanceof AuthenticationFailed ? circuit.refused(connection, error) : Effect.void
          ),
          Effect.onExit((exit) => giveBack(caller, kept, exit))
        )
      )
    )

  return {
    borrow,
    counts: () => {
      const idle = queue.idle.length
      return { open: idle + queue.inUse.read + queue.inUse.blocking, idle }
    },
    keepWarm: releasing.keepWarm
  }
})
