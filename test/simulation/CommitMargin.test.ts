import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { NewVirtualMachine } from "../../schemas/vmm/Verb.ts"
import { realistic, scaled } from "../../src/simulators/scvmm/Latency.ts"
import * as Invariants from "./Invariants.ts"
import * as Lives from "./Lives.ts"
import { keepRunning, options } from "./MachineLife.ts"
import { simulate } from "./Universe.ts"

/** VMM takes its time with a request that it has: longer than another attempt takes to come to its own. */
const commitSeconds = 25

describe("an operator that dies while VMM commits", () => {
  it(
    "looks for what its predecessor's request became for as long as that may take, and makes no second VM",
    () => {
      const latency = { ...scaled(realistic, 0.2), commit: [commitSeconds, commitSeconds] as const }
      const { value } = simulate({ ...options("margin"), latency }, (universe) =>
        Effect.gen(function* () {
          const { state } = universe.world.scvmm
          const watch = Invariants.watch(universe)
          const operators = yield* keepRunning(universe)
          yield* Lives.bringUp(universe, { controlPlanes: 1, workers: 0 })
          const attempts = () => state.calls().get(NewVirtualMachine.name) ?? 0
          while (attempts() === 0) yield* Effect.sleep("100 millis")
          // Everything before the commit takes less than four seconds, and the commit has not answered by then.
          yield* Effect.sleep("6 seconds")
          assert.deepStrictEqual([...state.virtualMachines(), ...state.jobs()], [])
          yield* operators.kill
          // The successor has deleted the shell, and VMM goes on: nothing is to be seen of it yet.
          yield* Effect.sleep("12 seconds")
          assert.deepStrictEqual(
            (yield* universe.world.winrm.shells).filter(({ pipelinesRunning }) => pipelinesRunning > 0),
            []
          )
          assert.deepStrictEqual([...state.virtualMachines(), ...state.jobs()], [])
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(watch.violations(), [])
          yield* Lives.untilReady(universe, 1)
          const made = attempts()
          yield* Lives.remove(universe)
          yield* operators.end
          yield* watch.atTheEnd
          return { violations: watch.violations(), made }
        }).pipe(Effect.scoped)
      )
      assert.deepStrictEqual(value, { violations: [], made: 1 })
    },
    Duration.toMillis("1 minute")
  )
})
