/** `npm run bench`: measures, prints a table, and writes the figures by key for whoever compares runs. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { quiet } from "../scenarios/Site.ts"
import type { Figure, Figures } from "./Bench.ts"
import { warmCall } from "./call/WarmCall.ts"
import { cliXmlDecode } from "./CliXmlDecode.ts"
import { firstReconcile } from "./FirstReconcile.ts"
import { fleet1000, fleet5000 } from "./FleetMemory.ts"
import { machineExchanges } from "./MachineExchanges.ts"
import { noopReconcile } from "./NoopReconcile.ts"
import { sealing } from "./Sealing.ts"
import { simulatedMachine } from "./SimulatedMachine.ts"
import { watchLatency } from "./WatchLatency.ts"

const benches = [
  warmCall,
  cliXmlDecode,
  sealing,
  noopReconcile,
  firstReconcile,
  watchLatency,
  fleet1000,
  fleet5000,
  machineExchanges,
  simulatedMachine
] as const
const keys = benches.flatMap((bench) => bench.keys)
/** "call.2k.exchanges" is also found by "call.2k" and "call". */
const prefixes = keys.flatMap((key) => key.split(".").map((_, at, words) => words.slice(0, at + 1).join(".")))
const within = (key: string, only: string): boolean => key === only || key.startsWith(`${only}.`)
const width = Math.max(...keys.map((key) => key.length))

const row = (key: string, { peer, ratio, unit, value }: Figure): string => {
  const figure = `${key.padEnd(width)}  ${value.toFixed(1).padStart(8)}  ${unit}`
  return peer === undefined || ratio === undefined
    ? figure
    : `${figure.padEnd(width + 26)}peer ${peer.toFixed(1)}, ${ratio.toFixed(2)} times as good`
}

const bench = Command.make(
  "bench",
  {
    only: Flag.Literals("only", [...new Set(prefixes)]).pipe(
      Flag.withDescription("measure this key alone, or all below it, with what is measured along"),
      Flag.optional
    ),
    json: Flag.String("json").pipe(Flag.withDescription("file to write the figures into, as JSON"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ json, only }) {
    const files = yield* FileSystem.FileSystem
    let figures: Figures = {}
    for (const { keys, measure } of benches) {
      if (Option.isSome(only) && !keys.some((key) => within(key, only.value))) continue
      const measured = yield* Effect.scoped(quiet(measure))
      figures = { ...figures, ...measured }
      for (const [key, figure] of Object.entries(measured)) yield* Console.log(row(key, figure))
    }
    if (Option.isSome(json)) yield* files.writeFileString(json.value, `${JSON.stringify(figures, undefined, 2)}\n`)
  })
).pipe(Command.withDescription("Measure what the operator costs."))

bench.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
