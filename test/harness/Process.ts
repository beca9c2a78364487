/** Child processes of tests: they end with their scope, and with this process in any case. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"

/** Free when it was asked for: whoever listens on it may still lose the race. */
export const freePort = Effect.callback<number, Error>((resume) => {
  const probe = net.createServer()
  probe.once("error", (error) => resume(Effect.fail(error)))
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    const port = address !== null && typeof address === "object" ? address.port : 0
    probe.close(() => resume(Effect.succeed(port)))
  })
})

export const exited = (child: childProcess.ChildProcess): boolean =>
  child.exitCode !== null || child.signalCode !== null

/** Waits until it has ended; how it did: exit code, or signal. */
export const ended = (child: childProcess.ChildProcess): Effect.Effect<number | string> =>
  Effect.callback((resume) => {
    const end = () => resume(Effect.succeed(child.exitCode ?? child.signalCode ?? "unknown"))
    if (exited(child)) return end()
    child.once("exit", end)
    return undefined
  })

/** SIGTERM unless it has ended, and how it did. */
export const terminate = (child: childProcess.ChildProcess): Effect.Effect<number | string> =>
  Effect.suspend(() => {
    if (!exited(child)) child.kill("SIGTERM")
    return ended(child)
  })

/** stdout and stderr go to the file `log`. At the scope's end it is asked first, and killed after two seconds. */
export const spawn = (
  binary: string,
  args: ReadonlyArray<string>,
  log: string,
  env?: NodeJS.ProcessEnv
): Effect.Effect<childProcess.ChildProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const file = fs.openSync(log, "w")
      const child = childProcess.spawn(binary, args, {
        stdio: ["ignore", file, file],
        ...(env !== undefined && { env })
      })
      fs.closeSync(file)
      const kill = () => child.kill("SIGKILL")
      process.once("exit", kill)
      child.once("exit", () => process.removeListener("exit", kill))
      return child
    }),
    (child) =>
      terminate(child).pipe(
        Effect.interruptible,
        Effect.timeoutOrElse({ duration: "2 seconds", orElse: () => Effect.sync(() => void child.kill("SIGKILL")) })
      )
  )
