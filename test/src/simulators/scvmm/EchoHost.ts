/** A PowerShell host of a few commands, to test the wire in front of it. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { secureString } from "../../../../layers/psrp/SecureString.ts"
import { type PowerShellHost, Terminated } from "../../../../src/simulators/scvmm/PowerShellHost.ts"
import type { Command, Failure, Streams } from "../../../../src/simulators/scvmm/PowerShellHost.ts"

export interface EchoHost {
  readonly host: PowerShellHost
  /** What happened to runspaces and pipelines, in order. */
  readonly log: ReadonlyArray<string>
}

export const failure = (message: string): Failure => ({
  message,
  fullyQualifiedErrorId: "2602,Start-SCVirtualMachine",
  exceptionType: "Microsoft.VirtualManager.Utils.CarmineException",
  category: 29,
  activity: "Start-SCVirtualMachine",
  reason: "CarmineException",
  targetObject: "vm-1"
})

const number = (command: Command, name: string): number => {
  const value = command.parameters.find((parameter) => parameter.name?.toLowerCase().replace(/^-/u, "") === name)?.value
  return typeof value === "number" ? value : 0
}

/**
 * Write-Output gives its values back, Get-Input what is piped in; Write-Warning, Write-Verbose, Write-Debug,
 * Write-Information, Write-Progress and Write-Error use their streams; Get-Text gives -Length characters; Start-Sleep takes -Seconds; throw fails; die breaks the host;
 * throw-secret and Get-Secret hold what cannot be sent before a key was exchanged.
 */
export const make = (): EchoHost => {
  const log: Array<string> = []
  const run = (command: Command, streams: Streams): Effect.Effect<void, Terminated> => {
    const values = command.parameters.map(({ value }) => value)
    switch (command.name.toLowerCase()) {
      case "write-output":
        return Effect.forEach(values, streams.output, { discard: true })
      case "write-warning":
        return streams.warning(String(values[0]))
      case "write-verbose":
        return streams.verbose(String(values[0]))
      case "write-debug":
        return streams.debug(String(values[0]))
      case "write-information":
        return streams.information(values[0] ?? null, ["Echo"])
      case "get-input":
        return Stream.runForEach(streams.input, streams.output)
      case "write-progress":
        return streams.progress("Create virtual machine", "Running", number(command, "percentcomplete"))
      case "write-error":
        return streams.error(failure(String(values[0])))
      case "get-text":
        return streams.output(
          "ä€𝄞x".repeat(Math.ceil(number(command, "length") / 5)).slice(0, number(command, "length"))
        )
      case "start-sleep":
        return Effect.sleep(number(command, "seconds") * 1000)
      case "throw":
        return Effect.fail(new Terminated(failure(String(values[0]))))
      case "throw-secret":
        return Effect.fail(
          new Terminated({ ...failure("locked"), targetObject: secureString(Redacted.make("not for the wire")) })
        )
      case "get-secret":
        return streams.output(secureString(Redacted.make("not for the wire")))
      case "die":
        return Effect.die(new Error("broken on purpose"))
      case "out-default":
      case "out-string":
        return Effect.void
      default:
        return command.isScript
          ? Effect.void
          : Effect.fail(
              new Terminated({
                ...failure(`The term '${command.name}' is not recognized`),
                fullyQualifiedErrorId: "CommandNotFoundException"
              })
            )
    }
  }
  return {
    log,
    host: {
      open: ({ userName }) =>
        Effect.acquireRelease(
          Effect.sync(() => {
            log.push(`opened by ${userName}`)
            return {
              invoke: (commands: ReadonlyArray<Command>, streams: Streams) =>
                Effect.forEach(commands, (command) => run(command, streams), { discard: true }).pipe(
                  Effect.onExit((exit) => {
                    const names = commands.map(({ name }) => name).join("|")
                    log.push(`${names} ${exit._tag === "Success" ? "ended" : exit.cause.reasons[0]?._tag}`)
                    return Effect.void
                  })
                )
            }
          }),
          () => Effect.sync(() => log.push("closed"))
        )
    }
  }
}
