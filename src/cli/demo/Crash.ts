/** The operator dies in the middle of its work, at a moment that the simulators see, and comes back. */
import * as Effect from "effect/Effect"
import { NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import type { World } from "../../simulators/World.ts"
import type { Monitor } from "./Monitor.ts"
import type { Operator } from "./Operator.ts"
import type { Snapshot } from "./Snapshot.ts"
import { plural } from "./View.ts"

/** What a crash was, in milliseconds since the demo began. */
export interface Crash {
  readonly killedAt: number
  /** The new process spoke to SCVMM. */
  readonly backAt: number
  /** Calls of New-CapsVirtualMachine that ran when it was killed. */
  readonly creating: number
  /** Shells that the killed process left open: WinRM ends them after their IdleTimeOut. */
  readonly abandoned: ReadonlyArray<string>
}

/**
 * How many creations SCVMM works on whose VM is not there yet, when that is a moment to kill, else 0. `created` counts calls of
 * New-CapsVirtualMachine, each of which made or will make a VM.
 *
 * A VM is there already, so that a cluster is hit and no empty site; and every machine that may have a VM has one or is in such a
 * call. A machine that has stored its intent, and whose command is still on its way, would leave nothing that could be found:
 * the operator then waits out its margin before another attempt, which is right, and slow to watch.
 */
export const moment = ({ machines, virtualMachines }: Snapshot, created: number): number => {
  const creating = created - virtualMachines
  const expected = machines.filter(({ phase, vm }) => phase === "Provisioning" && vm === undefined).length
  return virtualMachines > 0 && creating === expected ? creating : 0
}

/** Between two looks: a creation at its fastest takes many times as long. */
const interval = "5 millis"

const awaitMoment = Effect.fnUntraced(function* (world: World, monitor: Monitor) {
  while (true) {
    const snapshot = yield* monitor.look
    const creating = moment(snapshot, world.scvmm.state.calls().get(NewVirtualMachine.name) ?? 0)
    if (creating > 0) return creating
    yield* Effect.sleep(interval)
  }
})

/** Waits for the moment, kills, starts again, and returns when the new process speaks to SCVMM. */
export const crash = Effect.fn("Crash.crash")(function* (world: World, monitor: Monitor, operator: Operator) {
  const creating = yield* awaitMoment(world, monitor)
  const { killedAt, abandoned, spoken } = yield* monitor.step(
    `kill the operator amid ${plural(creating, "creation")}`,
    Effect.gen(function* () {
      yield* operator.kill
      return {
        killedAt: yield* monitor.elapsed,
        abandoned: (yield* world.winrm.shells).map(({ shellId }) => shellId),
        spoken: yield* world.winrm.exchanges
      }
    })
  )
  yield* operator.restart
  yield* monitor.step(
    `start it again: process ${operator.pid()}`,
    Effect.gen(function* () {
      while ((yield* world.winrm.exchanges) === spoken) yield* Effect.sleep(interval)
    })
  )
  return { killedAt, backAt: yield* monitor.elapsed, creating, abandoned } satisfies Crash
})
