/** Warm remote PowerShell sessions on a provider's exec hosts: pooled, scoped, released when idle (design D17). */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { Server, Verb } from "../../schemas/vmm/Verb.ts"
import type { ScvmmError } from "./ScvmmError.ts"

/** All that a dial needs: a value made by the provider reconciler from the object and its Secret. */
export interface ProviderConnection {
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
  readonly configurationName: string
  readonly operationTimeoutSeconds: number
  readonly userName: string
  readonly password: Redacted.Redacted<string>
  readonly keepAliveSeconds: number
  readonly sessions: number
  readonly libraryShare: string
}

/** Where a call ran: recorded before a create leaves, so that another replica can end it. */
export interface SessionRef {
  readonly execHost: string
  readonly shellId: string
}

export interface Session extends SessionRef {
  /** What Connect-CapsServer answered when the session was made. */
  readonly server: Server
  readonly run: <P, A>(verb: Verb<P, A>, parameters: P) => Effect.Effect<ReadonlyArray<A>, ScvmmError>
}

export class ScvmmSession extends Context.Service<
  ScvmmSession,
  {
    /** One call on any free session; exactly one answer document is expected. */
    readonly run: <P, A>(
      connection: ProviderConnection,
      verb: Verb<P, A>,
      parameters: P
    ) => Effect.Effect<A, ScvmmError>
    /** Several calls on one session, for callers that must know where they run, or that expect several documents. */
    readonly use: <A, E, R>(
      connection: ProviderConnection,
      f: (session: Session) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | ScvmmError, R>
    /** Deletes a shell that an earlier incarnation left; a shell that is gone counts as deleted. */
    readonly deleteShell: (connection: ProviderConnection, shell: SessionRef) => Effect.Effect<void, ScvmmError>
    /** Open and idle sessions of a provider, for its status. */
    readonly counts: (providerUid: string) => Effect.Effect<{ readonly open: number; readonly idle: number }>
  }
>()("capscvmm/layers/ScvmmSession") {}
