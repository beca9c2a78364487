/** Replays a scenario by name and seed: prints its event log and the digest of it. `node test/simulation/Replay.ts <scenario> <seed>` */
import * as Scenarios from "./Scenarios.ts"

const [name = "", seed = ""] = process.argv.slice(2)
const scenario = Object.entries(Scenarios.all).find(([known]) => known === name)?.[1]
if (scenario === undefined)
  throw new Error(`no scenario "${name}"; there are: ${Object.keys(Scenarios.all).join(", ")}`)
const outcome = Scenarios.play(scenario, seed)
process.stdout.write(`${[...outcome.lines, ...outcome.value, Scenarios.digest(outcome)].join("\n")}\n`)
