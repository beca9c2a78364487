/** One PowerShell call on an open session: encoded, run, decoded, logged, counted. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Verb } from "../../schemas/vmm/Verb.ts"
import type { ProgressRecord } from "../psrp/InformationalRecord.ts"
import type { PipelineResult } from "../psrp/PipelineResult.ts"
import type { PsrpError } from "../psrp/PsrpError.ts"
import type { Invocation, RunspacePool } from "../psrp/RunspacePool.ts"
import * as Command from "./Command.ts"
import * as Failure from "./Failure.ts"
import { countCall } from "./Metrics.ts"
import { AnswerInvalid, OutcomeUnknown, type ScvmmError, SessionLost, VmmFailure } from "./ScvmmError.ts"
import { fromRefusal } from "./Unavailability.ts"

/** Where a call runs. */
export interface Station {
  readonly execHost: string
  readonly pool: RunspacePool
  /** HTTP exchanges of the session so far. */
  readonly exchanges: Effect.Effect<number>
}

/** A call that takes longer hangs: its session is given up. VMM's own jobs run on without it. */
const patience = { read: Duration.minutes(5), mutation: Duration.minutes(60) } as const

export interface CallOptions {
  /** Told how far the function says it is, in percent. */
  readonly onProgress?: (percent: number) => Effect.Effect<void>
}

/** What others write of their progress, VMM's cmdlets for one, says nothing of the function's. */
const ownProgress =
  ({ name }: AnyVerb, onProgress: NonNullable<CallOptions["onProgress"]>) =>
  ({ activity, percentComplete }: ProgressRecord): Effect.Effect<void> =>
    activity === name && percentComplete >= 0 ? onProgress(percentComplete) : Effect.void

type AnyVerb = Pick<Verb<unknown, unknown>, "name" | "effect">

/** What a call is about, as far as it can be shown: the id of a VM, or a name. */
const askedFor = ({ parameters }: Invocation): string => {
  const text = parameters["Id"] ?? parameters["Name"]
  return typeof text === "string" ? text : ""
}

/** A session that ended during a call: a mutation that may have run has an unknown outcome (design D12). */
const lost = (station: Station, verb: AnyVerb, asked: string, sent: boolean, detail: string): ScvmmError => {
  const fields = { host: station.execHost, function: verb.name, detail }
  return sent && verb.effect === "mutation" ? new OutcomeUnknown({ ...fields, asked }) : new SessionLost(fields)
}

const fromPsrpError = (station: Station, verb: AnyVerb, asked: string, error: PsrpError): ScvmmError => {
  if (error._tag === "PsrpPromptRefused") {
    return new VmmFailure({ function: verb.name, errorId: "PromptRefused", detail: error.message })
  }
  if (error._tag === "PsrpOutputTooLarge" && verb.effect === "read") {
    const detail = `${error.message}; ours come in pages of less: look for what else writes output on ${station.execHost}`
    return new AnswerInvalid({ function: verb.name, detail })
  }
  const refusal = error._tag === "PsrpTransportFailed" ? fromRefusal(station.execHost, error.cause) : undefined
  if (refusal !== undefined && !error.sent) return refusal
  return lost(station, verb, asked, error.sent, error.message)
}

/** A non-terminating error record counts as failure too: a verb that wrote one did not do what it promises. */
const failureOf = (station: Station, verb: AnyVerb, result: PipelineResult, asked: string): ScvmmError | undefined => {
  if (result.state === "Stopped") return lost(station, verb, asked, true, "the pipeline was stopped on the server")
  const record = result.terminatingError ?? result.errors[0]
  if (record !== undefined) return Failure.fromErrorRecord(verb.name, record, asked)
  return result.state === "Failed"
    ? new VmmFailure({ function: verb.name, errorId: "", detail: "the pipeline failed without an error record" })
    : undefined
}

const outcomeOf = (exit: Exit.Exit<unknown, ScvmmError>): string => {
  if (Exit.isSuccess(exit)) return "ok"
  const failed = exit.cause.reasons.find(Cause.isFailReason)
  return failed?.error._tag ?? (Cause.hasInterrupts(exit.cause) ? "Interrupted" : "Defect")
}

/**
 * Runs a verb and answers its documents, in order.
 *
 * Errors: our functions' own (ScvmmError), VmmFailure for VMM's, AnswerInvalid, AuthenticationFailed and HostUnavailable when
 * the host refused the call, SessionLost when the session ended and the call did nothing or was a read, OutcomeUnknown when a
 * mutation may have happened.
 */
export const run = Effect.fn("ScvmmSession.run")(
  function* <P, A>(
    station: Station,
    verb: Verb<P, A>,
    parameters: P,
    options: CallOptions = {}
  ): Effect.fn.Return<ReadonlyArray<A>, ScvmmError> {
    yield* Effect.annotateCurrentSpan({
      "scvmm.function": verb.name,
      "scvmm.exec_host": station.execHost,
      "scvmm.shell_id": station.pool.shellId
    })
    const invocation = yield* Effect.fromResult(Command.encode(verb, parameters))
    const asked = askedFor(invocation)
    const limit = patience[verb.effect]
    const { onProgress } = options
    const told = onProgress === undefined ? {} : { onProgress: ownProgress(verb, onProgress) }
    const result = yield* station.pool.invoke([invocation], told).pipe(
      Effect.mapError((error) => fromPsrpError(station, verb, asked, error)),
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () => Effect.fail(lost(station, verb, asked, true, `no answer after ${Duration.toMinutes(limit)} min`))
      })
    )
    for (const warning of result.warnings)
      yield* Effect.logWarning(warning).pipe(Effect.annotateLogs({ function: verb.name }))
    const failure = failureOf(station, verb, result, asked)
    if (failure !== undefined) return yield* Effect.fail(failure)
    return yield* Effect.fromResult(Command.decode(verb, result.output))
  },
  (effect, station, verb) =>
    Effect.gen(function* () {
      const startedAt = yield* Clock.currentTimeMillis
      const before = yield* station.exchanges
      return yield* effect.pipe(
        Effect.onExit((exit) =>
          Effect.gen(function* () {
            const millis = (yield* Clock.currentTimeMillis) - startedAt
            const outcome = outcomeOf(exit)
            yield* countCall(verb.name, Duration.millis(millis), outcome !== "ok")
            yield* Effect.logInfo("PowerShell call").pipe(
              Effect.annotateLogs({
                function: verb.name,
                duration_ms: millis,
                exchanges: (yield* station.exchanges) - before,
                outcome
              })
            )
          })
        )
      )
    })
)
