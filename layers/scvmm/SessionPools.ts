/** Sessions kept warm: one pool a provider and version of its spec and Secret, released when idle (design D17). */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Pool from "effect/Pool"
import * as RcMap from "effect/RcMap"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type * as Dial from "../Dial.ts"
import * as Capacity from "./Capacity.ts"
import * as Circuit from "./Circuit.ts"
import * as Dialling from "./Dialling.ts"
import * as Module from "./Module.ts"
import { AuthenticationFailed, HostUnavailable } from "./ScvmmError.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"
import type { DialError } from "./Unavailability.ts"

export interface Sessions {
  /**
   * Borrows a session for the time of `f`, dialling when none is free and fewer than `mostSessions` are open. `blocking`
   * ones are at most one fewer, so that a read always finds one. While the hosts' quotas allow no more, it waits for one.
   */
  readonly borrow: <A, E, R>(
    connection: ProviderConnection,
    kind: "read" | "blocking",
    f: (session: Dialling.OpenSession) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | DialError, R>
  readonly deleteShell: (
    connection: ProviderConnection,
    shell: { readonly execHost: string; readonly shellId: string }
  ) => Effect.Effect<void, DialError>
  readonly counts: (providerUid: string) => Effect.Effect<{ readonly open: number; readonly idle: number }>
  readonly hosts: (providerUid: string) => Effect.Effect<ReadonlyArray<Dialling.HostResult>>
}

interface Entry {
  readonly pool: Pool.Pool<Dialling.OpenSession, DialError>
  readonly capacity: Capacity.Capacity
}

/** A quota of the exec hosts, which takes no further session. */
const isQuota = (error: unknown): error is HostUnavailable =>
  error instanceof HostUnavailable && error.reason === "QuotaExceeded"

/** As often somebody who found no session waits for one that is in use. */
const waits = 2

/** A pool of a provider that nobody asked for is forgotten; its sessions are closed long before. */
const forgetAfter = Duration.minutes(10)

/** Sessions that a provider may have open: spec.sessions, but never less than one that blocks and one that reads. */
export const mostSessions = ({ sessions }: ProviderConnection): number => Math.max(2, sessions)

const keyOf = ({ uid, specVersion, credentialVersion }: ProviderConnection): string =>
  JSON.stringify([uid, specVersion, credentialVersion])

/**
 * One dial at a time, and whoever asked before a dial failed shares its failure instead of trying again: ten callers with
 * a wrong password are one refused log-on, with a dead host one time-out.
 */
const sharedFailure = <A, R>(dial: Effect.Effect<A, DialError, R>) =>
  Effect.map(Semaphore.make(1), (one) => {
    let asked = 0
    let failed: { readonly covers: number; readonly error: DialError } | undefined
    return Effect.suspend(() => {
      const turn = ++asked
      return one.withPermit(
        Effect.suspend(() =>
          failed !== undefined && turn <= failed.covers
            ? Effect.fail(failed.error)
            : Effect.tapError(dial, (error) =>
                Effect.sync(() => {
                  failed = { covers: asked, error }
                })
              )
        )
      )
    })
  })

export const make = Effect.gen(function* () {
  const home = yield* Effect.context<Dial.Dial>()
  const circuit = yield* Circuit.make
  const moduleText = yield* Effect.orDie(Module.text)
  // Both are read and written between two yields only.
  const results = new Map<string, { readonly versions: string; readonly byHost: Map<string, Dialling.HostResult> }>()
  const tallies = new Map<string, { open: number; borrowed: number }>()
  /** The connection behind a key: what an RcMap key holds is compared, and a password is not to be. */
  const connections = new Map<string, ProviderConnection>()

  const tally = (uid: string) => {
    const known = tallies.get(uid) ?? { open: 0, borrowed: 0 }
    tallies.set(uid, known)
    return known
  }
  const counted = (uid: string, field: "open" | "borrowed"): Effect.Effect<void, never, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.sync(() => {
        tally(uid)[field] += 1
      }),
      () =>
        Effect.sync(() => {
          tally(uid)[field] -= 1
        })
    )

  const means: Dialling.Means = {
    circuit,
    moduleText,
    report: (connection, result) =>
      Effect.sync(() => {
        const versions = keyOf(connection)
        const known = results.get(connection.uid)
        const entry =
          known?.versions === versions ? known : { versions, byHost: new Map<string, Dialling.HostResult>() }
        entry.byHost.set(result.host, result)
        results.set(connection.uid, entry)
      })
  }

  const entryOf = Effect.fnUntraced(function* (key: string): Effect.fn.Return<Entry, never, Scope.Scope | Dial.Dial> {
    const connection = connections.get(key)
    if (connection === undefined) return yield* Effect.die(new Error("a session pool without a connection"))
    yield* Effect.addFinalizer(() => Effect.sync(() => connections.delete(key)))
    const capacity = yield* Capacity.make(mostSessions(connection))
    let open = 0
    const counting = Effect.acquireRelease(
      Effect.sync(() => {
        open += 1
      }),
      () =>
        Effect.sync(() => {
          open -= 1
        })
    )
    const dialled = Dialling.dial(connection, means).pipe(
      Effect.tapError((error) => (isQuota(error) ? capacity.refused(open, error) : Effect.void)),
      Effect.tap(Effect.all([capacity.accepted, counting, counted(connection.uid, "open")], { discard: true }))
    )
    const acquire = yield* sharedFailure(
      Effect.andThen(
        Effect.suspend(() => capacity.check(open)),
        dialled
      )
    )
    const pool = yield* Pool.makeWithTTL({
      acquire,
      min: 0,
      max: mostSessions(connection),
      timeToLive: Duration.seconds(connection.keepAliveSeconds)
    })
    return { pool, capacity }
  })

  const entries = yield* RcMap.make({
    idleTimeToLive: forgetAfter,
    // On the layer's own services: a caller's span must not become the parent of every later dial.
    lookup: (key: string) =>
      Effect.updateContext(entryOf(key), (context: Context.Context<Scope.Scope>) =>
        Context.add(home, Scope.Scope, Context.get(context, Scope.Scope))
      )
  })

  const unusable = (session: Dialling.OpenSession, exit: Exit.Exit<unknown, unknown>) =>
    Effect.map(
      session.pool.broken,
      (broken) => session.spoiled || Option.isSome(broken) || (Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause))
    )

  const borrow: Sessions["borrow"] = (connection, kind, f) =>
    Effect.acquireUseRelease(
      Scope.make(),
      (scope) =>
        Effect.gen(function* () {
          const key = keyOf(connection)
          connections.set(key, connection)
          const entry = yield* RcMap.get(entries, key).pipe(Scope.provide(scope))
          /** A session was asked for, and there was none. */
          let missed = false
          const used = Effect.gen(function* () {
            // Sessions that are open have the same password.
            yield* circuit.check(connection)
            missed = true
            const session = yield* Pool.get(entry.pool).pipe(Scope.provide(scope))
            missed = false
            yield* counted(connection.uid, "borrowed").pipe(Scope.provide(scope))
            return yield* f(session).pipe(
              Effect.tapError((error) =>
                error instanceof AuthenticationFailed ? circuit.refused(connection, error) : Effect.void
              ),
              Effect.onExit((exit) =>
                Effect.flatMap(unusable(session, exit), (yes) =>
                  yes ? Pool.invalidate(entry.pool, session) : Effect.void
                )
              )
            )
          })
          const attempt = Effect.suspend(() => {
            missed = false
            return entry.capacity.within(kind)(used)
          })
          return yield* Effect.retry(attempt, {
            times: waits,
            while: (error) => missed && isQuota(error) && entry.capacity.shrunk()
          })
        }),
      (scope, exit) => Scope.close(scope, exit)
    )

  const sessions: Sessions = {
    borrow,
    deleteShell: (connection, shell) => Effect.provideContext(Dialling.deleteShell(connection, shell, circuit), home),
    counts: (uid) =>
      Effect.sync(() => {
        const { open, borrowed } = tallies.get(uid) ?? { open: 0, borrowed: 0 }
        return { open, idle: Math.max(0, open - borrowed) }
      }),
    hosts: (uid) => Effect.sync(() => [...(results.get(uid)?.byHost.values() ?? [])])
  }
  return sessions
})
