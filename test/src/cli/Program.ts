/** The program as its users start it: a child process, ended with the scope. */
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as path from "node:path"

const main = path.resolve(import.meta.dirname, "../../../src/main.ts")

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly pid: number
  readonly signal: (signal: "SIGINT" | "SIGTERM") => Effect.Effect<void>
  /** Waits for a line of its stdout; gives up when the program ends. */
  readonly line: (pattern: RegExp) => Effect.Effect<RegExpExecArray, Error>
  readonly ended: Effect.Effect<Ended>
}

/** Starts `node <file>` with these arguments; variables of ours that would change its output are left out. */
const startFile = Effect.fn("Program.start")(function* (file: string, args: ReadonlyArray<string>) {
  const { LOG_LEVEL: _level, LOG_FORMAT: _format, KUBECONFIG: _kubeconfig, ...env } = process.env
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      childProcess.spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "pipe"], env })
    ),
    // Asked, so that it ends what it started in turn; a test that hangs on it would show a bug of its teardown.
    (child) =>
      Effect.callback<void>((resume) => {
        if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
        child.once("exit", () => resume(Effect.void))
        child.kill("SIGTERM")
      })
  )
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  const program: Started = {
    pid: child.pid ?? 0,
    signal: (signal) => Effect.sync(() => void child.kill(signal)),
    line: (pattern) =>
      Effect.callback((resume) => {
        const look = () => {
          const found = pattern.exec(stdout)
          if (found !== null) resume(Effect.succeed(found))
          return found !== null
        }
        if (look()) return
        child.stdout.on("data", look)
        child.once("close", () => look() || resume(Effect.fail(new Error(`it ended without it: ${stdout}${stderr}`))))
      }),
    ended: Effect.callback((resume) => {
      const end = () => resume(Effect.sync(() => ({ code: child.exitCode, stdout, stderr })))
      if (child.exitCode !== null && child.stdout.closed && child.stderr.closed) end()
      else child.once("close", end)
    })
  }
  return program
})

/** Starts the program from its source. */
export const start = (...args: ReadonlyArray<string>) => startFile(main, args)

/** Runs it to its end. */
export const run = (...args: ReadonlyArray<string>): Effect.Effect<Ended> => runFile(main, ...args)

/** Runs another build of it to its end. */
export const runFile = (file: string, ...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(startFile(file, args), ({ ended }) => ended))
