/** Whole stories on a simulated site, each of which replays by its name and seed. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import * as Invariants from "./Invariants.ts"
import * as Lives from "./Lives.ts"
import { keepRunning, options } from "./MachineLife.ts"
import type { Operators } from "./MachineLife.ts"
import type { Outcome, Universe } from "./Universe.ts"
import { simulate } from "./Universe.ts"

export interface Scenario {
  readonly replicas: Lives.Replicas
  /** From a cluster that was just created to one that is up. */
  readonly story: (universe: Universe, operators: Operators) => Effect.Effect<void>
}

const bringUp = (universe: Universe, machines: number) => Effect.asVoid(Lives.untilReady(universe, machines))

export const all = {
  machine: {
    replicas: { controlPlanes: 1, workers: 0 },
    story: (universe) => bringUp(universe, 1)
  },
  /** The demo's: three and three, two more workers, three fewer. */
  cluster: {
    replicas: { controlPlanes: 3, workers: 3 },
    story: (universe) =>
      Effect.gen(function* () {
        yield* bringUp(universe, 6)
        yield* Lives.scale(universe, 5)
        yield* bringUp(universe, 8)
        yield* Lives.scale(universe, 2)
        yield* bringUp(universe, 5)
      })
  },
  "a killed operator": {
    replicas: { controlPlanes: 1, workers: 1 },
    story: (universe, operators) =>
      Effect.gen(function* () {
        yield* Effect.sleep("4 seconds")
        yield* operators.kill
        yield* Effect.sleep("20 seconds")
        yield* operators.kill
        yield* bringUp(universe, 2)
      })
  },
  "Kubernetes out of reach": {
    replicas: { controlPlanes: 1, workers: 1 },
    story: (universe) =>
      Effect.gen(function* () {
        yield* Effect.sleep("4 seconds")
        yield* universe.outage("kubernetes", "90 seconds")
        yield* bringUp(universe, 2)
      })
  },
  "WinRM out of reach": {
    replicas: { controlPlanes: 1, workers: 1 },
    story: (universe) =>
      Effect.gen(function* () {
        yield* Effect.sleep("4 seconds")
        yield* universe.outage("winrm", "90 seconds")
        yield* bringUp(universe, 2)
      })
  }
} satisfies Record<string, Scenario>

/** The cluster of a scenario from nothing to nothing; answers what was broken. */
export const play = (scenario: Scenario, seed: string): Outcome<ReadonlyArray<string>> =>
  simulate({ ...options(seed), record: true }, (universe) =>
    Effect.gen(function* () {
      const watch = Invariants.watch(universe)
      const operators = yield* keepRunning(universe)
      yield* Lives.bringUp(universe, scenario.replicas)
      yield* scenario.story(universe, operators)
      yield* Lives.remove(universe)
      yield* operators.end
      yield* watch.atTheEnd
      return watch.violations()
    }).pipe(Effect.scoped)
  )

/** Of the whole event log. */
export const digest = ({ lines }: Outcome<unknown>): string => {
  const hash = createHash("sha256")
  for (const line of lines) hash.update(line).update("\n")
  return hash.digest("hex")
}
