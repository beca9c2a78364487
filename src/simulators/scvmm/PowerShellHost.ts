/** What stands behind the simulated WinRM listener: something that runs pipelines, one runspace a session. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { PsValue } from "../../../layers/psrp/PsValue.ts"

export interface Command {
  readonly name: string
  readonly isScript: boolean
  /** Positional ones have no name; switches come as true. */
  readonly parameters: ReadonlyArray<{ readonly name?: string; readonly value: PsValue }>
}

/** An error record as it goes onto the wire. */
export interface Failure {
  readonly message: string
  readonly fullyQualifiedErrorId: string
  /** .NET type of the exception. */
  readonly exceptionType: string
  /** ErrorCategory by number, and its activity and reason. */
  readonly category: number
  readonly activity: string
  readonly reason: string
  readonly targetObject: PsValue
}

export interface Streams {
  readonly output: (value: PsValue) => Effect.Effect<void>
  readonly error: (failure: Failure) => Effect.Effect<void>
  readonly warning: (message: string) => Effect.Effect<void>
  readonly verbose: (message: string) => Effect.Effect<void>
  readonly debug: (message: string) => Effect.Effect<void>
  readonly information: (messageData: PsValue, tags: ReadonlyArray<string>) => Effect.Effect<void>
  readonly progress: (activity: string, status: string, percentComplete: number) => Effect.Effect<void>
  /** What is piped into the pipeline's first command; to be read once. */
  readonly input: Stream.Stream<PsValue>
}

/** The pipeline ends as Failed with this record. */
export class Terminated {
  readonly _tag = "Terminated"
  readonly failure: Failure
  constructor(failure: Failure) {
    this.failure = failure
  }
}

export interface Runspace {
  /** Runs to its end whatever becomes of the client; interrupted by Signal, Delete and IdleTimeOut alone. */
  readonly invoke: (commands: ReadonlyArray<Command>, streams: Streams) => Effect.Effect<void, Terminated>
}

/** Whom a runspace is for. */
export interface Session {
  readonly userName: string
  readonly shellId: string
  /** powershell.exe of a cmd shell: it finds our module installed, and connected to its VMM server by a profile. */
  readonly installed?: boolean
}

export interface PowerShellHost {
  readonly open: (session: Session) => Effect.Effect<Runspace, never, Scope.Scope>
}
