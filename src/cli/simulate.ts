/** `simulate`: an SCVMM to talk to, on a WinRM port of this machine. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"

export const simulate = Command.make(
  "simulate",
  {
    port: Flag.Int("port").pipe(
      Flag.withDescription("port on 127.0.0.1; 0 takes a free one (default 5986)"),
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 65_535 }))),
      Flag.withDefault(5986)
    ),
    latency: Flag.Literals("latency", ["fast", "realistic"]).pipe(
      Flag.withDescription("how long jobs take: hundredths of seconds, or minutes (default realistic)"),
      Flag.withDefault("realistic" as const)
    ),
    seed: Flag.String("seed").pipe(
      Flag.withDescription("text that ids and durations are drawn from (default scvmm)"),
      Flag.withDefault("scvmm")
    ),
    inventory: Flag.String("inventory").pipe(
      Flag.withDescription("JSON file of hosts, clouds, networks, disks and accounts (default: a small site)"),
      Flag.optional
    ),
    replay: Flag.String("replay").pipe(
      Flag.withMetavar("file"),
      Flag.withDescription("answer what a recording of --record-wire holds, and not what a simulated SCVMM would"),
      Flag.optional
    ),
    disturb: Flag.String("disturb").pipe(
      Flag.withMetavar("file"),
      Flag.withDescription("JSON file of rules for what befalls exchanges: docs/simulation.md (default: nothing)"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ inventory, replay, disturb, ...flags }) {
    const { run } = yield* Effect.promise(() => import("./simulate/Simulate.ts"))
    yield* run({
      ...flags,
      inventory: Option.getOrUndefined(inventory),
      replay: Option.getOrUndefined(replay),
      disturb: Option.getOrUndefined(disturb)
    })
  })
).pipe(Command.withDescription("Serve a simulated SCVMM by WinRM over https, until Ctrl-C"))
