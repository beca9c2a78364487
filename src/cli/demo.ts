/** `demo`: a cluster's whole life on a simulated SCVMM, in front of your eyes. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as RecordWire from "./RecordWire.ts"

export const demo = Command.make(
  "demo",
  {
    machines: Flag.Int("machines").pipe(
      Flag.withDescription("workers at the start, beside three control-plane machines (default 3)"),
      Flag.withSchema(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
      Flag.withDefault(3)
    ),
    latency: Flag.Literals("latency", ["fast", "realistic"]).pipe(
      Flag.withDescription("how long SCVMM's jobs take: hundredths of seconds, or minutes (default fast)"),
      Flag.withDefault("fast" as const)
    ),
    keep: Flag.Boolean("keep").pipe(
      Flag.withDescription("stop when the cluster is up, and print the KUBECONFIG for kubectl, until Ctrl-C"),
      Flag.withDefault(false)
    ),
    crash: Flag.Boolean("crash").pipe(
      Flag.withDescription(
        "kill the operator while it creates machines, and start it again (default; --no-crash: do not)"
      ),
      Flag.withDefault(true)
    ),
    json: Flag.String("json").pipe(Flag.withDescription("file to write the summary into, as JSON"), Flag.optional),
    recordWire: RecordWire.flag
  },
  Effect.fnUntraced(function* ({ machines, json, recordWire, ...flags }) {
    // Loaded here, so that the operator does not load what simulates its surroundings.
    const { run } = yield* Effect.promise(() => import("./demo/Demo.ts"))
    yield* run({
      ...flags,
      workers: machines,
      json: Option.getOrUndefined(json),
      recordWire: Option.getOrUndefined(recordWire)
    })
  })
).pipe(
  Command.withDescription(
    "Bring a cluster up on a simulated SCVMM through a crash of the operator, scale it, delete it, and look what is left"
  )
)
