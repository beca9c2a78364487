/** Opens a session on the first exec host that works. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import type { Server } from "../../schemas/vmm/Verb.ts"
import type * as Dial from "../Dial.ts"
import * as RunspacePool from "../psrp/RunspacePool.ts"
import type { Circuit } from "./Circuit.ts"
import * as ExecHost from "./ExecHost.ts"
import * as Orphans from "./Orphans.ts"
import { AuthenticationFailed, HostUnavailable } from "./ScvmmError.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"
import * as ScrubbedPool from "./ScrubbedPool.ts"
import * as SessionCall from "./SessionCall.ts"
import * as SessionStart from "./SessionStart.ts"
import { type DialError, fromOpenError } from "./Unavailability.ts"

export interface OpenSession extends SessionCall.Station {
  readonly shellId: string
  readonly server: Server
  /** Set by a call after which the session must not be used again. */
  spoiled: boolean
  /** Verbs that were run on it. */
  calls: number
}

/** How a dial of one exec host ended. */
export interface HostResult {
  readonly host: string
  readonly ok: boolean
  readonly message?: string
}

/** From the connection to the VMM server's answer; importing VMM's module takes seconds. */
const dialLimitSeconds = 120

/** As often PowerShell's own client tries a Create again, of those faults that it tries again. */
const opensAgain = 5
const isTransient = (error: { readonly _tag: string; readonly classification?: string }): boolean =>
  error._tag === "WsmanFault" && error.classification === "transient"

const isQuota = (error: { readonly _tag: string; readonly classification?: string }): boolean =>
  error._tag === "WsmanFault" && error.classification === "quota"

/** Idle seconds after which a host ends a shell whose operator died: more than the pool keeps one. */
const idleTimeoutSeconds = (keepAliveSeconds: number): number => Math.max(60, 3 * keepAliveSeconds)

/** What every dial needs besides the connection. */
export interface Means {
  readonly circuit: Circuit
  readonly moduleText: string
  /** This process: shells that another one of its instance made for the provider are orphans. */
  readonly operator: Orphans.Operator
  /** Providers' hosts that were cleared of orphans. */
  readonly cleared: Set<string>
  readonly report: (result: HostResult) => Effect.Effect<void>
}

const openOn = Effect.fn("ScvmmSession.open")(function* (
  connection: ProviderConnection,
  host: string,
  { circuit, moduleText, operator, cleared }: Means
): Effect.fn.Return<OpenSession, DialError, Scope.Scope | Dial.Dial> {
  yield* Effect.annotateCurrentSpan({ "scvmm.exec_host": host })
  // A scope of its own, begun before the pool: connections are dialled later, and must outlive the pool's release.
  const wire = yield* Scope.fork(yield* Effect.scope)
  const wsman = yield* Scope.provide(ExecHost.connect(connection, host, circuit), wire)
  const open = RunspacePool.open(wsman, {
    idleTimeoutSeconds: idleTimeoutSeconds(connection.keepAliveSeconds),
    name: Orphans.shellName(connection, operator)
  }).pipe(Effect.retry({ schedule: Schedule.exponential("500 millis"), times: opensAgain, while: isTransient }))
  const opened = yield* open.pipe(
    // Orphans may be what uses the quota up.
    Effect.catchIf(isQuota, (error) =>
      Effect.flatMap(Orphans.remove(wsman, connection, operator), (removed) =>
        removed > 0 ? open : Effect.fail(error)
      )
    ),
    Effect.mapError((error) => fromOpenError(host, error))
  )
  yield* circuit.accepted(connection)
  const place = `${connection.uid} ${host}`
  if (!cleared.has(place)) {
    cleared.add(place)
    // Beside what the session is wanted for.
    yield* Effect.forkScoped(Orphans.remove(wsman, connection, operator))
  }
  const pool = ScrubbedPool.scrubbed(opened, ScrubbedPool.scrubOf(connection))
  const station: SessionCall.Station = { execHost: host, pool, exchanges: wsman.exchanges }
  const server = yield* SessionStart.start(connection, station, moduleText)
  return { ...station, shellId: pool.shellId, server, spoiled: false, calls: 0 }
})

/**
 * Opens a session on the first exec host, in the provider's order, that lets us.
 *
 * Guarantees: what a failed host left open is closed before the next is tried; a refused log-on ends the dial, since the
 * next host would count against the same account, and opens the circuit.
 *
 * Errors: AuthenticationFailed (of now, or the one that opened the circuit); HostUnavailable of the last host, or of the first
 * whose quota is used up: that one works otherwise.
 */
export const dial = Effect.fn("ScvmmSession.dial")(function* (
  connection: ProviderConnection,
  means: Means
): Effect.fn.Return<OpenSession, DialError, Scope.Scope | Dial.Dial> {
  yield* Effect.annotateCurrentSpan({ "scvmm.provider": `${connection.namespace}/${connection.name}` })
  yield* means.circuit.check(connection)
  const parent = yield* Effect.scope
  let failure: HostUnavailable | undefined
  for (const host of connection.execHosts) {
    const scope = yield* Scope.fork(parent)
    const opened = yield* openOn(connection, host, means).pipe(
      Scope.provide(scope),
      Effect.timeoutOrElse({
        duration: `${dialLimitSeconds} seconds`,
        orElse: () =>
          Effect.fail<DialError>(
            new HostUnavailable({
              host,
              reason: "SessionFailed",
              detail: `no session after ${dialLimitSeconds} s`,
              remedy: "Check the load of this host and that the VMM server answers"
            })
          )
      }),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause))),
      Effect.result
    )
    if (Result.isSuccess(opened)) {
      const { server, shellId } = opened.success
      yield* means.report({ host, ok: true })
      yield* Effect.logInfo("PowerShell session opened").pipe(
        Effect.annotateLogs({
          exec_host: host,
          shell_id: shellId,
          vmm_server: server.Name
        })
      )
      return opened.success
    }
    const error = opened.failure
    yield* means.report({ host, ok: false, message: error.message })
    if (error instanceof AuthenticationFailed) {
      yield* means.circuit.refused(connection, error)
      return yield* error
    }
    if (failure?.reason !== "QuotaExceeded") failure = error
    yield* Effect.logDebug("exec host unavailable").pipe(
      Effect.annotateLogs({ exec_host: host, reason: error.reason, detail: error.detail })
    )
  }
  return yield* (
    failure ??
      new HostUnavailable({
        host: "",
        reason: "ConnectionFailed",
        detail: "the provider names no exec host",
        remedy: "Set spec.execHosts"
      })
  )
})

/** Deletes a shell by its id, with a log-on of its own; one that is gone counts as deleted. */
export const deleteShell = Effect.fn("ScvmmSession.deleteShell")(function* (
  connection: ProviderConnection,
  shell: { readonly execHost: string; readonly shellId: string },
  circuit: Circuit
): Effect.fn.Return<void, DialError, Dial.Dial> {
  yield* Effect.annotateCurrentSpan({ "scvmm.exec_host": shell.execHost, "scvmm.shell_id": shell.shellId })
  yield* circuit.check(connection)
  yield* ExecHost.connect(connection, shell.execHost, circuit).pipe(
    Effect.flatMap((wsman) => wsman.delete(shell.shellId)),
    Effect.scoped,
    Effect.mapError((error) => fromOpenError(shell.execHost, error)),
    Effect.tapError((error) =>
      error instanceof AuthenticationFailed ? circuit.refused(connection, error) : Effect.void
    )
  )
})
