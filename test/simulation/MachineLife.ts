/** One machine from its manifests to nothing, whatever becomes of the operator on the way; and what was broken in it. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Latency } from "../../src/simulators/scvmm/Latency.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import * as Fiber from "effect/Fiber"
import type { Incarnation } from "./Incarnation.ts"
import * as Invariants from "./Invariants.ts"
import * as Lives from "./Lives.ts"
import type { Options, Outcome, Universe } from "./Universe.ts"
import { simulate } from "./Universe.ts"
import type { Fate, Point } from "./Wire.ts"

export interface Life {
  readonly violations: ReadonlyArray<string>
  /** Exchanges of the first operator. */
  readonly points: number
  /** Operators that were started. */
  readonly operators: number
}

export interface Plan {
  /** Of each exchange of each operator, the first being 1. */
  readonly fate?: (operator: number, point: Point) => Fate
  /** From a crash to the next operator. */
  readonly restartAfter?: Duration.Input
  /** For so long after a crash the exec host that the operator prefers is out of reach. */
  readonly hostLostFor?: Duration.Input
}

/**
 * Jobs that are over at the second look: each look more is the same again, and a point to be cut at. What runs in a pipeline
 * of ours takes as long as it does: whether it outlives its operator is what matters.
 */
const latency: Latency = {
  ...scaled(realistic, 0.2),
  session: realistic.session,
  configuration: realistic.configuration,
  placement: realistic.placement,
  commit: realistic.commit,
  create: [4, 8]
}

export const options = (seed: string): Options => ({
  seed,
  latency,
  pace: { network: "3 seconds", kubeadm: "3 seconds", retry: "2 seconds" },
  record: false,
  limit: Duration.hours(1)
})

/** Longer than any shell of an operator that was killed stays idle. */
const idle = Duration.minutes(5)

export interface Operators {
  readonly started: () => ReadonlyArray<Incarnation>
  /** Kills the one that runs. */
  readonly kill: Effect.Effect<void>
  /** Stops the one that runs; until what others left on the exec hosts has timed out. */
  readonly end: Effect.Effect<void>
}

/** Keeps one operator running: a killed one has a successor. */
export const keepRunning = Effect.fnUntraced(function* (universe: Universe, plan: Plan = {}) {
  const started: Array<Incarnation> = []
  const start = (): Incarnation => {
    const number = started.length + 1
    const next = universe.operator((point) => plan.fate?.(number, point) ?? "deliver")
    started.push(next)
    return next
  }
  let current = start()
  const keeper = yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        yield* Effect.raceFirst(current.killed, current.running)
        if (plan.hostLostFor !== undefined) {
          yield* Effect.forkScoped(universe.outage("firstExecHost", plan.hostLostFor))
        }
        yield* Effect.sleep(plan.restartAfter ?? 0)
        current = start()
      })
    )
  )
  return {
    started: () => started,
    kill: Effect.suspend(() => current.kill),
    end: Effect.gen(function* () {
      yield* Fiber.interrupt(keeper)
      // One that is killed while it stops has stopped.
      yield* Effect.raceFirst(current.stop, current.killed)
      yield* Effect.sleep(idle)
    })
  } satisfies Operators
})

/** Throws what Timeline.run throws when the machine does not come to its end in time. */
export const live = (given: Options, plan: Plan = {}): Outcome<Life> =>
  simulate(given, (universe) =>
    Effect.gen(function* () {
      const watch = Invariants.watch(universe)
      const operators = yield* keepRunning(universe, plan)
      yield* Lives.bringUp(universe, { controlPlanes: 1, workers: 0 })
      yield* Lives.untilReady(universe, 1)
      yield* Lives.remove(universe)
      yield* operators.end
      yield* watch.atTheEnd
      const [first] = operators.started()
      return {
        violations: watch.violations(),
        points: first?.wire.points() ?? 0,
        operators: operators.started().length
      }
    }).pipe(Effect.scoped)
  )
