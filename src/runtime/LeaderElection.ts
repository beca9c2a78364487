/** Competes for a Lease, keeps it, and says at every moment whether this process may act (design D11). */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import type { Fence } from "../../layers/Fence.ts"
import { NotLeader } from "../../layers/Fence.ts"
import type { KubeError } from "../../layers/kube/KubeError.ts"
import * as LeaseLock from "../../layers/kube/LeaseLock.ts"
import * as LeaseState from "../../layers/kube/LeaseState.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"

/** The process must end: only a new one, with a new identity and nothing in memory, may lead again. Exit code 1. */
export class LeadershipLost extends Data.TaggedError("LeadershipLost")<{
  readonly lease: string
  readonly detail: string
}> {
  /** It was logged when it happened. */
  override readonly [Runtime.errorReported] = false
  override get message(): string {
    return `leader election lost: ${this.lease}: ${this.detail}`
  }
}

export interface Options {
  /** Of the Lease. */
  readonly key: ObjectKey
  /** Unique to this process. */
  readonly identity: string
  readonly timing: LeaseState.Timing
}

/**
 * ## Expected flow
 * `run` beside everything else; work begins at `elected`. At the end whoever runs it interrupts it and calls `release`.
 *
 * ## Guarantees
 * - The fence is open from an answered write of ours until `renew` after that write had left, and never again once it closed.
 * - A record that is not renewed is taken over after its duration, at the latest `retry` · (1 + jitter) later.
 *
 * ## Errors
 * Those of the API are logged when they change, and tried again each retry period. LeadershipLost when a leader could not
 * renew in time, or found another holder.
 */
export interface LeaderElection {
  readonly fence: Fence
  readonly run: Effect.Effect<never, LeadershipLost>
  /** Until this process leads. */
  readonly elected: Effect.Effect<void>
  /** Closes the fence, then gives the Lease to whoever comes; what goes wrong is logged. */
  readonly release: Effect.Effect<void>
  /** What is wrong with the loop itself, for the liveness probe. */
  readonly ailing: Effect.Effect<string | undefined>
}

const masterStatus = Metric.gauge("leader_election_master_status", {
  description: "Whether this process leads: 1, or stands by: 0"
})

/** The loop is stuck when it has done nothing for a lease and this much: client-go's healthz adaptor in controller-runtime. */
const toleratedMillis = 20_000

export const make = Effect.fnUntraced(function* ({ key, identity, timing }: Options) {
  const lock = yield* LeaseLock.make({ key, identity, leaseMillis: timing.lease })
  const clock = yield* Clock.Clock
  const lease = `${key.namespace}/${key.name}`
  /** Of the monotonic clock, in milliseconds. */
  const time = () => Number(clock.monotonicTimeNanosUnsafe()) / 1_000_000
  const elected = Latch.makeUnsafe()
  const status = Metric.withAttributes(masterStatus, { name: key.name })
  let state = LeaseState.begin(identity, timing)
  let lastTurn = time()
  let holder: string | undefined
  let told: { readonly text: string; readonly reading: boolean } | undefined

  const log = Effect.annotateLogs({ lease, identity })

  /** Each trouble once, until it changes or is over: that a Lease can be read says nothing of one that cannot be written. */
  const tell = (trouble: KubeError | undefined, reading: boolean) =>
    Effect.suspend(() => {
      const text = trouble?.message
      if (text === told?.text || (text === undefined && reading && told?.reading === false)) return Effect.void
      told = text === undefined ? undefined : { text, reading }
      return text === undefined
        ? log(Effect.logInfo("the leader lease answers again"))
        : log(Effect.logWarning("the leader lease is out of reach", text))
    })

  const attempt = Effect.fnUntraced(function* (next: Exclude<LeaseState.Step, { readonly _tag: "Lost" | "Wait" }>) {
    const started = time()
    const { _tag } = next
    const reading = _tag === "Read"
    const made = yield* Effect.result<LeaseState.LeaseRecord | undefined, KubeError, never>(
      reading ? lock.read : _tag === "Create" ? lock.create : lock.take(next.over)
    )
    if (made._tag === "Failure") {
      state = LeaseState.lookAgain(state)
      // Another candidate was first: the next look says who.
      if (made.failure._tag !== "KubeConflict") yield* tell(made.failure, reading)
      return yield* pause
    }
    yield* tell(undefined, reading)
    const now = time()
    if (reading) {
      state = LeaseState.saw(state, made.success, now)
      return 0
    }
    if (made.success !== undefined) state = LeaseState.wrote(state, made.success, started, now)
    if (!elected.isOpen() && LeaseState.isLeading(state, now)) {
      yield* log(Effect.logInfo("leader lease acquired"))
      yield* Metric.update(status, 1)
      yield* elected.open
    }
    return timing.retry
  })

  /** A candidate's, so that several do not ask in step. */
  const pause = Effect.map(Random.next, (random) =>
    state.heldUntil === undefined ? timing.retry * (1 + LeaseState.jitter * random) : timing.retry
  )

  const lose = Effect.fnUntraced(function* (detail: string) {
    yield* Metric.update(status, 0)
    const lost = new LeadershipLost({ lease, detail })
    yield* log(Effect.logError(`${lost.message}; this process ends`))
    return yield* lost
  })

  /** One step; answers how long to rest. */
  const turn = Effect.gen(function* () {
    const now = time()
    lastTurn = now
    const next = LeaseState.step(state, now)
    if (next._tag === "Lost") return yield* lose(next.detail)
    if (next._tag !== "Wait") return yield* attempt(next)
    state = LeaseState.lookAgain(state)
    if (next.holder !== holder) {
      holder = next.holder
      yield* log(Effect.logInfo("standing by: another process leads")).pipe(Effect.annotateLogs({ leader: holder }))
    }
    return Math.min(yield* pause, next.until - now)
  })

  /** Nothing outlasts the term: at its end the step says Lost. */
  const withinTerm = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.suspend(() =>
      state.heldUntil === undefined
        ? Effect.asSome(effect)
        : Effect.timeoutOption(effect, Duration.millis(Math.max(0, state.heldUntil - time())))
    )

  const run = Effect.gen(function* () {
    yield* Metric.update(status, 0)
    yield* log(Effect.logInfo("competing for the leader lease"))
    for (;;) {
      const rest = yield* withinTerm(turn)
      if (rest._tag === "Some") yield* withinTerm(Effect.sleep(Duration.millis(rest.value)))
    }
  })

  const giveUp = Effect.suspend(() => {
    const { seen } = state
    return seen === undefined ? Effect.void : Effect.asVoid(lock.release(seen.record))
  })

  const release = Effect.gen(function* () {
    const leading = LeaseState.isLeading(state, time())
    state = LeaseState.resign(state)
    if (!leading) return
    yield* Metric.update(status, 0)
    yield* giveUp.pipe(
      // A renewal that was interrupted may have been carried out.
      Effect.catchTag("KubeConflict", () =>
        Effect.flatMap(lock.read, (record) => {
          if (record?.holder !== identity) return Effect.void
          return Effect.asVoid(lock.release(record))
        })
      ),
      Effect.andThen(log(Effect.logInfo("leader lease released"))),
      Effect.catch((error) =>
        log(Effect.logWarning("the leader lease could not be released; others wait for its end", error.message))
      )
    )
  })

  return {
    fence: {
      refusal: () => (LeaseState.isLeading(state, time()) ? undefined : new NotLeader({ detail: `lease ${lease}` }))
    },
    run,
    elected: elected.await,
    release,
    ailing: Effect.sync(() => {
      const idle = time() - lastTurn
      return idle > timing.lease + toleratedMillis
        ? `leader election: nothing for ${Math.round(idle / 1000)} s`
        : undefined
    })
  } satisfies LeaderElection as LeaderElection
})
