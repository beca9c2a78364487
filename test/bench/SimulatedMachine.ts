/** What one machine costs in simulation, from its manifests to nothing, with the operator and all that is around it. */
import * as Effect from "effect/Effect"
import { live, options } from "../simulation/MachineLife.ts"
import type { Bench } from "./Bench.ts"
import { figure, median } from "./Bench.ts"

const warmUp = 100
const lives = 60

/** Milliseconds of CPU, of user and system together. */
const cost = (seed: string): number => {
  const begin = process.cpuUsage()
  live(options(seed))
  const { system, user } = process.cpuUsage(begin)
  return (system + user) / 1000
}

export const simulatedMachine: Bench = {
  keys: ["simulation.machine.cpu_ms"],
  measure: Effect.sync(() => {
    for (let i = 0; i < warmUp; i++) cost(`warm ${i}`)
    return { "simulation.machine.cpu_ms": figure(median(Array.from({ length: lives }, (_, i) => cost(`${i}`))), "ms") }
  })
}
