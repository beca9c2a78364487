/** A control loop: workers that take keys from a queue and reconcile them. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Tracer from "effect/Tracer"
import type { Retry } from "../../schemas/Retry.ts"
import * as Guid from "../../schemas/Guid.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import type { Action } from "./Action.ts"
import * as ControllerMetrics from "./ControllerMetrics.ts"
import { Informers } from "./Informers.ts"
import { Intake } from "./Intake.ts"
import * as Monotonic from "../../layers/Monotonic.ts"
import type { Outcome } from "./Outcome.ts"
import * as Outcomes from "./Outcome.ts"
import type { Request } from "./Request.ts"
import * as Requests from "./Request.ts"
import * as Resync from "./Resync.ts"
import type { Failure } from "./RetryPolicy.ts"
import type { Trigger } from "./Triggers.ts"
import * as WorkQueue from "./WorkQueue.ts"

/** A reconcile that did not come back in time; what it had begun was interrupted. */
export class ReconcileTimeout extends Data.TaggedError("ReconcileTimeout")<{ readonly seconds: number }> {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `no end after ${this.seconds} s`
  }
}

export interface Options<A extends KubeObject, E extends Failure, R, RT> {
  /** Lower case: labels metrics and log lines. */
  readonly name: string
  readonly resource: Resource<A>
  readonly triggers: ReadonlyArray<Trigger<RT>>
  /** Reconciles that run side by side, of different keys. Default 10. */
  readonly concurrency?: number
  /** Default 2 minutes: a reconcile never waits for long (design §1). */
  readonly timeout?: Duration.Input
  /** Level-based: looks at the object as it is now, whatever woke it. A key without an object is Done. */
  readonly reconcile: (key: ObjectKey) => Effect.Effect<Action, E, R>
}

/**
 * ## Expected flow
 * 1. `start` attaches the triggers, which fills the queue from the stores.
 * 2. The effect that it returns waits until every store is ready, then works until it is interrupted.
 *
 * ## Guarantees
 * - A key is reconciled in one place at a time.
 * - Each reconcile is a trace of its own, linked to what woke it; its log lines carry controller, namespace, name and reconcileID.
 * - What somebody did is reconciled before what happens by itself (Priority); a key that runs again keeps its priority.
 * - A typed error becomes a requeue by RetryPolicy. A defect and a timeout are logged, counted, and retried like errors.
 * - Every object of its kind runs again within half a day, whatever wake-up was lost (Resync).
 * - A conflict (our copy was old) is no error: debug line, retried.
 * - Success forgets earlier failures.
 *
 * ## Errors
 * None: a loop that dies all the same dies with a defect, and whoever joined it ends.
 */
export interface Controller<out R> {
  readonly name: string
  readonly start: Effect.Effect<Effect.Effect<never, never, R>, never, R | Informers>
}

/** What the workers of one controller share. */
interface Loop {
  readonly queue: WorkQueue.WorkQueue
  readonly metrics: ControllerMetrics.ControllerMetrics
}

/** Sees the whole of a reconcile, inside its span. */
const attempt = Effect.fnUntraced(function* <A extends KubeObject, E extends Failure, R, RT>(
  options: Options<A, E, R, RT>,
  request: Request,
  metrics: ControllerMetrics.ControllerMetrics
) {
  const limit = Duration.fromInputUnsafe(options.timeout ?? "2 minutes")
  return yield* options.reconcile(request.key).pipe(
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.andThen(metrics.timedOut, new ReconcileTimeout({ seconds: Duration.toSeconds(limit) }))
    })
  )
})

export const make = <A extends KubeObject, E extends Failure, R, RT = never>(
  options: Options<A, E, R, RT>
): Controller<R | RT> => {
  const { name } = options
  const concurrency = options.concurrency ?? 10

  /** Counts, logs and decides, still inside the span. */
  const conclude = Effect.fnUntraced(function* (
    { queue, metrics }: Loop,
    request: Request,
    exit: Exit.Exit<Action, E | ReconcileTimeout>
  ) {
    const outcome = Outcomes.of(exit, yield* queue.fail(request), yield* Random.next)
    if (!outcome.counts) yield* queue.forget(request)
    yield* metrics.concluded(outcome)
    yield* log(request, outcome, exit)
    return outcome
  })

  const process = Effect.fnUntraced(function* (loop: Loop, request: Request) {
    const { queue, metrics } = loop
    const reconcileID = yield* Guid.random
    const { namespace, name: object } = request.key
    const started = yield* Monotonic.millis
    let next: WorkQueue.Next | undefined
    let outcome: Outcome | undefined
    yield* metrics.began
    const end = yield* Effect.gen(function* () {
      const exit = yield* Effect.exit(attempt(options, request, metrics))
      outcome = yield* conclude(loop, request, exit)
      if (outcome.afterMillis !== undefined) {
        const span = yield* Effect.option(Effect.currentSpan)
        next = nextOf(request, outcome, outcome.afterMillis, Option.getOrUndefined(span))
      }
      // The span ends as the reconcile did.
      return yield* outcome._tag === "Success" || outcome._tag === "Conflict"
        ? Effect.void
        : Effect.failCause(causeOf(exit))
    }).pipe(
      Effect.withSpan("Controller.reconcile", {
        root: true,
        attributes: {
          controller: name,
          "k8s.namespace.name": namespace,
          "k8s.name": object,
          "reconcile.id": reconcileID,
          "reconcile.reason": request.reason
        },
        links: request.links.map((span) => ({ span, attributes: {} }))
      }),
      Effect.exit,
      Effect.annotateLogs({ controller: name, namespace, name: object, reconcileID })
    )
    // What the reconcile died of is in its outcome; without one it was the runtime itself that died, which nothing hides.
    if (outcome === undefined && Exit.isFailure(end)) return yield* Effect.die(Cause.squash(end.cause))
    yield* metrics.ended((yield* Monotonic.millis) - started)
    yield* queue.finish(request, next)
  })

  const start = Effect.gen(function* () {
    const informers = yield* Informers
    const queue = yield* WorkQueue.make(name)
    const metrics = yield* ControllerMetrics.make(name, concurrency)
    const store = yield* informers.store(options.resource)
    const sources = yield* Effect.forEach(options.triggers, (trigger) => trigger.attach(queue.add))
    const intake = yield* Intake
    const next = Effect.andThen(intake.opened, queue.take)
    const worker = Effect.forever(Effect.flatMap(next, (request) => intake.admit(process({ queue, metrics }, request))))
    const resync = Resync.run(store, queue.add)
    const workers = Effect.andThen(
      informers.ready,
      Effect.all(
        Array.from({ length: concurrency }, () => worker),
        { concurrency: "unbounded", discard: true }
      )
    )
    return Effect.all([queue.run, workers, resync, ...sources], { concurrency: "unbounded", discard: true }).pipe(
      Effect.andThen(Effect.never)
    )
  })

  return { name, start }
}

const causeOf = (exit: Exit.Exit<unknown, unknown>): Cause.Cause<unknown> =>
  Exit.isFailure(exit) ? exit.cause : Cause.empty

const nextOf = (
  request: Request,
  outcome: Outcome,
  afterMillis: number,
  span: Tracer.Span | undefined
): WorkQueue.Next => ({
  request: Requests.make(request.key, outcome._tag === "Success" ? "requeue" : "retry", request.priority, span),
  afterMillis
})

const log = (request: Request, outcome: Outcome, exit: Exit.Exit<unknown, unknown>): Effect.Effect<void> => {
  const after = outcome.afterMillis === undefined ? {} : { requeue_after_ms: outcome.afterMillis }
  const annotate = Effect.annotateLogs({ reason: request.reason, ...after })
  switch (outcome._tag) {
    case "Success":
      return annotate(Effect.logDebug("reconciled"))
    case "Conflict":
      return annotate(Effect.logDebug(`reconciled an old copy: ${outcome.message}`))
    case "Error":
    case "Terminal":
      return annotate(Effect.logError(`reconcile failed: ${outcome.message}`)).pipe(
        Effect.annotateLogs({ error: outcome.error })
      )
    case "Panic":
      return annotate(Effect.logError("reconcile died", causeOf(exit)))
  }
}
