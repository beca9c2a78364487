/**
 * cmd's plugin behind a shell: programs, their streams and exit codes (MS-WSMV §3.1.4, resource …/windows/shell/cmd).
 *
 * The one program that there is is powershell.exe with -EncodedCommand or -Command, and of PowerShell it understands calls of
 * commands by name (CallScript.ts): `powershell -EncodedCommand <base64 of "Get-CapsVirtualMachineList -Ids 'a'">`. It runs them
 * on a runspace of the PowerShell host that finds our module installed and connected. Each output value is a line of stdout: a
 * JSON document of one of our functions. Errors and warnings are text (-Command: errors on stderr, warnings on stdout) or
 * CLIXML on stderr (-EncodedCommand); of progress nothing is written. The exit code is 1 when the last statement had an error.
 * Any other program is what cmd does not find: a line on stderr, and 1. Input is accepted and read by nobody. ctrl_c and
 * ctrl_break end a program with 0xC000013A; Terminate, in any case of its letters, forgets the command.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { signals } from "../../../layers/wsman/SoapNames.ts"
import { readCallScript, type Statement } from "./CallScript.ts"
import * as Outbox from "./Outbox.ts"
import { type Plugin, PluginRefusal } from "./Plugin.ts"
import { encodeText, errorText, outputText, xmlErrors, type XmlLine } from "./PowerShellConsole.ts"
import { type PowerShellCommandLine, readPowerShellCommandLine } from "./PowerShellCommandLine.ts"
import type { PowerShellHost, Streams, Terminated } from "./PowerShellHost.ts"

export interface Options {
  readonly host: PowerShellHost
  readonly userName: string
  readonly shellId: string
  /** The shell's: its end kills all programs. */
  readonly scope: Scope.Scope
  readonly delivery: Outbox.Delivery
  /** WINRS_CODEPAGE. */
  readonly codePage: string | undefined
}

interface Running {
  readonly commandLine: string
  readonly outbox: Outbox.Outbox
  fiber: Fiber.Fiber<void> | undefined
  ended: boolean
}

/** How Windows ends what Ctrl-C interrupts: STATUS_CONTROL_C_EXIT. */
const interruptedCode = 0xc000013a

/** What is read from a program's pipe at once. */
const chunkBytes = 32 * 1024

const controls: ReadonlySet<string> = new Set([signals.ctrlC, signals.ctrlBreak].map((code) => code.toLowerCase()))

const parserError = (message: string): string =>
  `${message}\r\n    + CategoryInfo          : ParserError: (:) [], ParentContainsErrorRecordException\r\n    + FullyQualifiedErrorId : UnexpectedToken\r\n \r\n`

export const make = (options: Options): Effect.Effect<Plugin> =>
  Effect.sync(() => {
    const { host, scope, codePage, userName, shellId } = options
    const programs = new Map<string, Running>()

    const write = (running: Running, stream: "stdout" | "stderr", text: string): Effect.Effect<void> =>
      Effect.sync(() => {
        const bytes = encodeText(text, codePage)
        const chunks = Array.from({ length: Math.ceil(bytes.length / chunkBytes) }, (_, at) =>
          bytes.subarray(at * chunkBytes, (at + 1) * chunkBytes)
        )
        running.outbox.push(
          chunks.map((data) => ({ stream, data })),
          false
        )
      })

    /** Runs the statements; answers the exit code. */
    const runStatements = (running: Running, statements: ReadonlyArray<Statement>, xml: boolean) =>
      Effect.gen(function* () {
        const lines: Array<XmlLine> = []
        let failed = false
        const tell = (stream: XmlLine["stream"], text: string, plain: "stdout" | "stderr", label = "") =>
          xml ? Effect.sync(() => void lines.push({ stream, text })) : write(running, plain, `${label}${text}`)
        const line = (stream: XmlLine["stream"], label: string) => (message: string) =>
          tell(stream, `${message}${xml ? "" : "\r\n"}`, "stdout", label)
        const streams: Streams = {
          input: Stream.empty,
          output: (value) => write(running, "stdout", outputText(value)),
          error: (failure) => {
            failed = true
            return tell("Error", errorText(failure), "stderr")
          },
          warning: line("warning", "WARNING: "),
          verbose: line("verbose", "VERBOSE: "),
          debug: line("debug", "DEBUG: "),
          information: (messageData) => write(running, "stdout", outputText(messageData)),
          progress: () => Effect.void
        }
        const runspace = yield* host.open({ userName, shellId, installed: true })
        for (const statement of statements) {
          failed = false
          yield* runspace
            .invoke(statement, streams)
            .pipe(Effect.catch((terminated: Terminated) => streams.error(terminated.failure)))
        }
        yield* write(running, "stderr", xmlErrors(lines))
        return failed ? 1 : 0
      }).pipe(Effect.scoped)

    const runPowerShell = Effect.fnUntraced(function* (running: Running, line: PowerShellCommandLine) {
      const script = readCallScript(line.script)
      if (Result.isSuccess(script)) return yield* runStatements(running, script.success, line.xmlErrors)
      const text = parserError(script.failure)
      yield* write(running, "stderr", line.xmlErrors ? xmlErrors([{ stream: "Error", text }]) : text)
      return 1
    })

    const run = (running: Running): Effect.Effect<number> => {
      const line = readPowerShellCommandLine(running.commandLine)
      if (line !== undefined) return runPowerShell(running, line)
      const name = running.commandLine.trim().split(/\s/u)[0] ?? ""
      const text = `'${name}' is not recognized as an internal or external command,\r\noperable program or batch file.\r\n`
      return Effect.as(write(running, "stderr", text), 1)
    }

    const conclude = (running: Running, exit: Exit.Exit<number>): Effect.Effect<void> => {
      const defect = Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
      running.ended = true
      running.outbox.finish(Exit.isSuccess(exit) ? exit.value : interruptedCode)
      return defect && Exit.isFailure(exit) ? Effect.logError("the PowerShell host died", exit.cause) : Effect.void
    }

    return {
      outbox: undefined,
      outboxOf: (commandId) => programs.get(commandId)?.outbox,
      marksEndOf: ["stdout", "stderr"],
      begin: Effect.fnUntraced(function* (commandId, command) {
        if (command._tag === "Command") return yield* new PluginRefusal({ reason: "an empty command line" })
        const running: Running = {
          commandLine: [command.command, ...command.arguments].join(" "),
          outbox: Outbox.make(options.delivery),
          fiber: undefined,
          ended: false
        }
        programs.set(commandId, running)
        const program = run(running).pipe(
          Effect.onExit((exit) => conclude(running, exit)),
          Effect.exit,
          Effect.asVoid
        )
        running.fiber = yield* Effect.forkIn(program, scope, { startImmediately: true })
      }),
      send: () => Effect.void,
      signal: (commandId, code) => {
        const running = programs.get(commandId)
        if (running === undefined) return false
        running.fiber?.interruptUnsafe()
        if (!controls.has(code.toLowerCase())) programs.delete(commandId)
        return true
      },
      connect: undefined,
      abandon: () => {
        for (const { outbox } of programs.values()) outbox.abandon()
      },
      commands: () =>
        [...programs].map(([commandId, { commandLine, ended }]) => ({ commandId, commandLine, running: !ended }))
    }
  })
