/** The program: one subcommand a file in src/cli; a wrong flag or setting ends with a message and exit code 2. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Runtime from "effect/Runtime"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import { demo } from "./cli/demo.ts"
import { manager } from "./cli/manager.ts"
import { manifests } from "./cli/manifests.ts"
import { simulate } from "./cli/simulate.ts"

const version = "0.1.0"

const program = Command.make("cluster-api-provider-scvmm").pipe(
  Command.withDescription("Cluster API infrastructure provider for Microsoft SCVMM"),
  Command.withSubcommands([manager, demo, simulate, manifests])
)

/** Interruption is a regular end; what a person typed wrong is 2; everything else as the error says. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit)) {
    if (Cause.hasInterruptsOnly(exit.cause)) return onExit(0)
    const usage = exit.cause.reasons.some(
      (reason) =>
        Cause.isFailReason(reason) && CliError.isCliError(reason.error) && reason.error._tag === "ShowHelp" && reason.error.errors.length > 0
    )
    if (usage) return onExit(2)
  }
  return Runtime.defaultTeardown(exit, onExit)
}

NodeRuntime.runMain(program.pipe(Command.run({ version }), Effect.provide(NodeServices.layer)), { teardown })
