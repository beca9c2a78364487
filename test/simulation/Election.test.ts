/** Two replicas in virtual time, with client-go's default times: killed leaders, and one that the Lease alone is out of reach for. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import type { Incarnation } from "./Incarnation.ts"
import * as Invariants from "./Invariants.ts"
import * as Lives from "./Lives.ts"
import { options } from "./MachineLife.ts"
import type { Universe } from "./Universe.ts"
import { simulate } from "./Universe.ts"
import type { Fate } from "./Wire.ts"
import { machineSpec } from "../scenarios/MachineSpec.ts"

const leaderElection = {
  namespace: "default",
  leaseDuration: Duration.seconds(15),
  renewDeadline: Duration.seconds(10),
  retryPeriod: Duration.seconds(2)
}
/** Until a candidate has seen that nobody renews, and has begun to work. */
const takeover = 15_000 + 2_000 * 2.2 + 1_000

interface Spoken {
  readonly at: number
  readonly by: Incarnation
}

/** Keeps two replicas running, and a diary of what they send that may change something; of the Lease apart. */
const replicas = Effect.fnUntraced(function* (universe: Universe) {
  const spoken: Array<Spoken> = []
  const renewed: Array<Spoken> = []
  const unable = new Set<Incarnation>()
  const ends: Array<string> = []
  const keep = Effect.gen(function* () {
    const own: { incarnation?: Incarnation } = {}
    const fate = ({ text }: { readonly text: string }): Fate => {
      const lease = text.includes("/leases")
      if (own.incarnation === undefined) return "deliver"
      if (lease && unable.has(own.incarnation)) return "cutBefore"
      const list = lease ? renewed : spoken
      list.push({ at: universe.timeline.now, by: own.incarnation })
      return "deliver"
    }
    own.incarnation = universe.operator(fate)
    const end = yield* Effect.raceFirst(own.incarnation.killed, Effect.exit(own.incarnation.running))
    ends.push(end === undefined ? "killed" : String(end))
    yield* Effect.sleep("1 second")
  })
  yield* Effect.forEach([1, 2], () => Effect.forkScoped(Effect.forever(keep)))
  return { spoken, renewed, unable, ends }
})

/** Machines come and go, so that whoever leads has to write. */
const work = (universe: Universe) =>
  Effect.gen(function* () {
    const { target, world } = universe
    for (let number = 0; ; number++) {
      yield* world.access.create(Core.ScvmmMachine, target.namespace, {
        apiVersion: Core.apiVersion(Core.ScvmmMachine),
        kind: Core.ScvmmMachine.kind,
        metadata: { name: `m${number}` },
        spec: machineSpec(target.namespace)
      })
      if (number >= 6) yield* world.access.delete(Core.ScvmmMachine, target.namespace, `m${number - 6}`)
      yield* Effect.sleep("2 seconds")
    }
  }).pipe(Effect.orDie)

/** Who spoke again although another had come after it. */
const returned = (spoken: ReadonlyArray<Spoken>): ReadonlyArray<string> => {
  const order = [...new Set(spoken.map(({ by }) => by))]
  return spoken.flatMap(({ at, by }, index) => {
    const before = spoken[index - 1]?.by
    return before !== undefined && order.indexOf(by) < order.indexOf(before) ? [`${by.name} at ${at}`] : []
  })
}

const next = (universe: Universe, spoken: ReadonlyArray<Spoken>, not: ReadonlySet<Incarnation>) =>
  universe.until(Effect.sync(() => spoken.findLast(({ by }) => !not.has(by))))

const setting = (seed: string) => ({
  ...options(seed),
  settings: { leaderElection, gracefulShutdown: Duration.seconds(30) },
  limit: Duration.hours(2)
})

describe("two replicas in virtual time", () => {
  it("twenty killed leaders: never two who write, and work goes on within the lease", () => {
    const { value } = simulate(setting("killed leaders"), (universe) =>
      Effect.gen(function* () {
        const watch = Invariants.watch(universe)
        const them = yield* replicas(universe)
        yield* Lives.bringUp(universe, { controlPlanes: 1, workers: 0 })
        const dead = new Set<Incarnation>()
        const after: Array<number> = []
        const rounds = Effect.gen(function* () {
          for (let round = 0; round < 20; round++) {
            const { by } = yield* next(universe, them.spoken, dead)
            yield* Effect.sleep(5_000 + round * 370)
            yield* by.kill
            dead.add(by)
            const killed = universe.timeline.now
            const { at } = yield* next(universe, them.spoken, dead)
            after.push(at - killed)
          }
        })
        yield* Effect.raceFirst(rounds, work(universe))
        yield* Lives.remove(universe)
        return {
          ...them,
          after,
          violations: watch.violations(),
          duplicates: universe.world.scvmm.state.everDuplicated()
        }
      }).pipe(Effect.scoped)
    )
    assert.lengthOf(
      value.ends.filter((end) => end === "killed"),
      20
    )
    assert.deepStrictEqual(returned(value.spoken), [])
    assert.isAbove(value.spoken.length, 300)
    assert.isAtLeast(Math.min(...value.after), 10_000)
    assert.isAtMost(Math.max(...value.after), takeover)
    assert.deepStrictEqual(value.violations, [])
    assert.deepStrictEqual(value.duplicates, [])
  }, 120_000)

  it("a leader that cannot renew stops at its deadline, ends, and is replaced after the lease", () => {
    const { value } = simulate(setting("no renewal"), (universe) =>
      Effect.gen(function* () {
        const them = yield* replicas(universe)
        yield* Lives.bringUp(universe, { controlPlanes: 1, workers: 0 })
        const story = Effect.gen(function* () {
          const { by } = yield* next(universe, them.spoken, new Set())
          yield* Effect.sleep("10 seconds")
          const last = them.renewed.findLast((it) => it.by === by)?.at ?? 0
          them.unable.add(by)
          yield* next(universe, them.spoken, new Set([by]))
          return { by, last, all: [...them.spoken], ends: [...them.ends] }
        })
        return yield* Effect.raceFirst(story, work(universe))
      }).pipe(Effect.scoped)
    )
    const { all, by, ends, last } = value
    const own = all.filter((it) => it.by === by)
    const others = all.filter((it) => it.by !== by)
    assert.isAtMost(own.at(-1)?.at ?? Infinity, last + 10_000)
    assert.isAbove(own.at(-1)?.at ?? 0, last + 5_000, "it worked on until then")
    assert.isAtLeast(others[0]?.at ?? 0, last + 15_000)
    assert.isAtMost(others[0]?.at ?? Infinity, last + takeover)
    assert.match(ends[0] ?? "", /leader election lost: default\/f4af8138\.cluster\.x-k8s\.io: no renewal for 10 s/u)
  }, 60_000)
})
