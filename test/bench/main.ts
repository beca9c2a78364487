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
import type { Figure } from "./Bench.ts"
import { cliXmlDecode } from "./CliXmlDecode.ts"
import { firstReconcile } from "./FirstReconcile.ts"
import { machineExchanges } from "./MachineExchanges.ts"

const benches = [cliXmlDecode, firstReconcile, machineExchanges] as const
const keys = benches.map(({ key }) => key)
const width = Math.max(...keys.map((key) => key.length))

const row = (key: string, { unit, value }: Figure): string =>
  `${key.padEnd(width)}  ${value.toFixed(1).padStart(8)}  ${unit}`

const bench = Command.make(
  "bench",
  {
    only: Flag.Literals("only", keys).pipe(Flag.withDescription("measure this alone"), Flag.optional),
    json: Flag.String("json").pipe(Flag.withDescription("file to write the figures into, as JSON"), Flag.optional)
  },
  Effect.fnUntraced(function* ({ json, only }) {
    const files = yield* FileSystem.FileSystem
    const figures: Record<string, Figure> = {}
    for (const { key, measure } of benches) {
      if (Option.isSome(only) && only.value !== key) continue
      const figure = yield* Effect.scoped(quiet(measure))
      figures[key] = figure
      yield* Console.log(row(key, figure))
    }
    if (Option.isSome(json)) yield* files.writeFileString(json.value, `${JSON.stringify(figures, undefined, 2)}\n`)
  })
).pipe(Command.withDescription("Measure what the operator costs."))

bench.pipe(Command.run({ version: "1" }), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
