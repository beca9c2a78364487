/** Warm remote PowerShell sessions on a provider's exec hosts: pooled, scoped, released when idle (design D17). */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { Server, Verb } from "../../schemas/vmm/Verb.ts"
import type { Dial } from "../Dial.ts"
import type { Stopped } from "./Circuit.ts"
import type { ClientCertificate } from "./ClientCertificate.ts"
import type { HostResult, OpenSession } from "./Dialling.ts"
import { AnswerInvalid, type ScvmmError } from "./ScvmmError.ts"
import * as SessionCall from "./SessionCall.ts"
import { mostSessions } from "./SessionPool.ts"
import * as SessionPools from "./SessionPools.ts"
import type { SessionExtras } from "./SessionSetup.ts"

/** All that a dial needs: a value made by the provider reconciler from the object and its Secret. */
export interface ProviderConnection extends SessionExtras {
  /** UID of the ScvmmProvider. */
  readonly uid: string
  readonly namespace: string
  readonly name: string
  /** The provider's spec as a version: a change makes new sessions. */
  readonly specVersion: string
  /** The Secret's resourceVersion: a change makes new sessions and closes the circuit. */
  readonly credentialVersion: string
  readonly scvmmHost: string
  /** In order; never empty. */
  readonly execHosts: ReadonlyArray<string>
  readonly scheme: "http" | "https"
  readonly port: number
  readonly authentication: "Negotiate" | "NTLM" | "Basic" | "Certificate" | "Kerberos"
  /** PEM. */
  readonly caBundle?: string
  readonly thumbprint?: string
  readonly insecureSkipVerify: boolean
  /** With authentication Certificate. */
  readonly clientCertificate?: ClientCertificate
  readonly configurationName: string
  readonly operationTimeoutSeconds: number
  readonly userName: string
  readonly password: Redacted.Redacted<string>
  readonly keepAliveSeconds: number
  readonly sessions: number
  readonly libraryShare: string
  /** Whether a VM without a marker may be taken over (design D6a). */
  readonly adoption: "Owned" | "Unmarked"
}

/** Where a call ran: recorded before a create leaves, so that another replica can end it. */
export interface SessionRef {
  readonly execHost: string
  readonly shellId: string
}

export interface Session extends SessionRef {
  /** What Connect-CapsServer answered when the session was made. */
  readonly server: Server
  readonly run: <P, A>(
    verb: Verb<P, A>,
    parameters: P,
    options?: SessionCall.CallOptions
  ) => Effect.Effect<ReadonlyArray<A>, ScvmmError>
}

/** Errors after which a session is not used again. */
const spoils = (error: ScvmmError): boolean =>
  error._tag === "ScvmmSessionLost" ||
  error._tag === "ScvmmOutcomeUnknown" ||
  error._tag === "ScvmmAuthenticationFailed"

const runOn = <P, A>(open: OpenSession, verb: Verb<P, A>, parameters: P, options?: SessionCall.CallOptions) =>
  Effect.suspend(() => {
    open.calls += 1
    return SessionCall.run(open, verb, parameters, options)
  }).pipe(
    Effect.onError((cause) =>
      Effect.sync(() => {
        open.spoiled ||= cause.reasons.some((reason) => reason._tag !== "Fail" || spoils(reason.error))
      })
    )
  )

const sessionOf = (open: OpenSession): Session => ({
  execHost: open.execHost,
  shellId: open.shellId,
  server: open.server,
  run: (verb, parameters, options) => runOn(open, verb, parameters, options)
})

export class ScvmmSession extends Context.Service<
  ScvmmSession,
  {
    /**
     * One call on any free session; exactly one answer document is expected. A call that did nothing because its session
     * had ended, and a read whose answer was lost, is repeated on another session before SessionLost is told.
     */
    readonly run: <P, A>(
      connection: ProviderConnection,
      verb: Verb<P, A>,
      parameters: P
    ) => Effect.Effect<A, ScvmmError>
    /** Like `run`, for verbs that answer any number of documents. */
    readonly runAll: <P, A>(
      connection: ProviderConnection,
      verb: Verb<P, A>,
      parameters: P
    ) => Effect.Effect<ReadonlyArray<A>, ScvmmError>
    /**
     * Several calls on one session, for callers that must know where they run. Of a provider's sessions
     * all but one are lent so at a time: these are the calls that block by nature, and a read always finds a session.
     */
    readonly use: <A, E, R>(
      connection: ProviderConnection,
      f: (session: Session) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | ScvmmError, R>
    /**
     * What Connect-CapsServer answered on a session that is open, or is dialled for this. Waits as a read does, so that a
     * provider whose sessions are all in long calls can still be looked at.
     */
    readonly server: (connection: ProviderConnection) => Effect.Effect<Server, ScvmmError>
    /** Deletes a shell that an earlier incarnation left; a shell that is gone counts as deleted. */
    readonly deleteShell: (connection: ProviderConnection, shell: SessionRef) => Effect.Effect<void, ScvmmError>
    /**
     * While told so, one session of the provider stays open however long it is idle: machines are in transition, and each poll
     * would dial anew otherwise.
     */
    readonly keepWarm: (providerUid: string, warm: boolean) => Effect.Effect<void>
    /** Open and idle sessions of a provider, for its status. */
    readonly counts: (providerUid: string) => Effect.Effect<{ readonly open: number; readonly idle: number }>
    /** How the last dial of each exec host ended, of those tried since spec or Secret changed: for the provider's status. */
    readonly hosts: (providerUid: string) => Effect.Effect<ReadonlyArray<HostResult>>
    /** Since when log-ons are stopped by a refused one; undefined while they are not. */
    readonly stoppedLogOns: (providerUid: string) => Effect.Effect<Stopped | undefined>
    /** Lets one log-on through at once, after somebody has seen to the account; false when none was stopped. */
    readonly retryLogOn: (providerUid: string) => Effect.Effect<boolean>
  }
>()("capscvmm/layers/ScvmmSession") {
  static readonly layer: Layer.Layer<ScvmmSession, never, Dial> = Layer.effect(
    ScvmmSession,
    Effect.map(SessionPools.make, (sessions) => {
      const runAll: ScvmmSession["Service"]["runAll"] = (connection, verb, parameters) =>
        sessions
          .borrow(connection, "read", (open) => runOn(open, verb, parameters))
          .pipe(
            // Every idle session may have ended with its host: each failure discards one, so the last try has a fresh one.
            Effect.retry({
              times: mostSessions(connection),
              while: (error) => error._tag === "ScvmmSessionLost"
            })
          )
      return ScvmmSession.of({
        runAll,
        run: (connection, verb, parameters) =>
          Effect.flatMap(runAll(connection, verb, parameters), ([answer, ...more]) =>
            answer !== undefined && more.length === 0
              ? Effect.succeed(answer)
              : Effect.fail(
                  new AnswerInvalid({
                    function: verb.name,
                    detail: `${more.length + (answer === undefined ? 0 : 1)} documents, one expected`
                  })
                )
          ),
        use: (connection, f) => sessions.borrow(connection, "blocking", (open) => f(sessionOf(open))),
        server: (connection) => sessions.borrow(connection, "read", (open) => Effect.succeed(open.server)),
        deleteShell: sessions.deleteShell,
        keepWarm: sessions.keepWarm,
        counts: sessions.counts,
        hosts: sessions.hosts,
        stoppedLogOns: sessions.stopped,
        retryLogOn: sessions.release
      })
    })
  )
}
