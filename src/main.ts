/** The program: one subcommand a file in src/cli; a wrong flag or setting ends with a message and exit code 2. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
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

/** What a person typed or set wrong: a flag, a subcommand, a variable. */
const isUsage = (error: unknown): boolean =>
  error instanceof Config.ConfigError ||
  (CliError.isCliError(error) && error._tag === "ShowHelp" && error.errors.length > 0)

const messageOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "message" in error && typeof error.message === "string"
    ? error.message
    : ""

/** Expected failures by their message; a defect, which is a bug, with all that is known. Help was shown already. */
const report = (cause: Cause.Cause<unknown>): Effect.Effect<void> => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const error = Cause.squash(cause)
  if (!Runtime.getErrorReported(error)) return Effect.void
  const message = cause.reasons.some(Cause.isDieReason) ? "" : messageOf(error)
  return message === "" ? Effect.logError(cause) : Console.error(`error: ${message}`)
}

/** Interruption is a regular end unless a command said otherwise; wrong usage is 2; everything else as the error says. */
const teardown: Runtime.Teardown = (exit, onExit) => {
  if (Exit.isFailure(exit)) {
    if (Cause.hasInterruptsOnly(exit.cause)) return onExit(Number(process.exitCode ?? 0))
    if (exit.cause.reasons.some((reason) => Cause.isFailReason(reason) && isUsage(reason.error))) return onExit(2)
  }
  return Runtime.defaultTeardown(exit, onExit)
}

program.pipe(
  Command.run({ version }),
  Effect.tapCause(report),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ teardown, disableErrorReporting: true })
)
