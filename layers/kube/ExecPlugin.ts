/** Runs an exec credential plugin: the command our own kubeconfig names, never one of somebody else's (design D16). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { ExecFileException } from "node:child_process"
import * as childProcess from "node:child_process"
import * as path from "node:path"
import type { ClusterInfo, ExecCredential, ExecPlugin } from "./ExecCredential.ts"
import { info, parse, tail } from "./ExecCredential.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Remembered } from "./KubeCredentials.ts"
import { remember } from "./KubeCredentials.ts"

/** Whoever needs its credentials waits for it. */
const longestRun = "20 seconds"
const longestOutput = 1024 * 1024
/** A plugin whose credentials are over at once, by our clock, is not run for every request. */
const shortestLife = 10_000

interface Ended {
  readonly error: ExecFileException | null
  readonly stdout: string
  readonly stderr: string
}

/** With nothing on stdin; killed when interrupted. */
const run = (command: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) =>
  Effect.callback<Ended>((resume) => {
    const ended = (error: ExecFileException | null, stdout = "", stderr = "") =>
      resume(Effect.succeed({ error, stdout, stderr }))
    const start = () =>
      childProcess.execFile(
        command,
        [...args],
        { env: { ...process.env, ...env }, maxBuffer: longestOutput, encoding: "utf8", windowsHide: true },
        ended
      )
    let child: ReturnType<typeof start>
    try {
      child = start()
    } catch (error) {
      // Node tells some of what keeps a program from starting (E2BIG, ENOTDIR, a NUL in an argument) like this.
      return ended(error instanceof Error ? error : new Error(String(error)))
    }
    // A plugin that ends without reading closes the pipe first; that says nothing.
    child.stdin?.on("error", () => undefined)
    child.stdin?.end()
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const why = (error: ExecFileException): string => {
  if (error.code === "ENOENT") return "there is no such program"
  if (error.code === "EACCES") return "it may not be executed"
  if (error.code === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "its output is longer than 1 MiB"
  if (typeof error.code === "string") return `it could not be started (${error.code})`
  return typeof error.code === "number" ? `exit code ${error.code}` : `ended by ${error.signal}`
}

export interface Options {
  /** The kubeconfig, and the field in it, for messages; a command with a slash is relative to its folder. */
  readonly origin: string
  readonly field: string
  readonly plugin: ExecPlugin
  readonly cluster: ClusterInfo
}

/**
 * The plugin's credentials, until they expire.
 *
 * **Errors**: KubeConfigError `Failed`, with the command, how it ended and the end of its stderr; arguments, environment
 * and stdout stay out of it.
 */
export const make = ({ origin, field, plugin, cluster }: Options): Remembered<ExecCredential> => {
  const named = plugin.command ?? ""
  const command = named.includes(path.sep) ? path.resolve(path.dirname(origin), named) : named
  const env = {
    ...Object.fromEntries((plugin.env ?? []).map(({ name, value }) => [name, value])),
    KUBERNETES_EXEC_INFO: info(plugin, cluster)
  }
  const failed = (detail: string, stderr = "") => {
    const said = tail(stderr, plugin)
    const hint = plugin.installHint === undefined || said !== "" ? "" : `: ${plugin.installHint}`
    return new KubeConfigError({
      reason: "Failed",
      path: origin,
      field,
      detail: `${command}: ${detail}${said === "" ? "" : `: ${said}`}${hint}`
    })
  }
  return remember(
    command,
    Effect.gen(function* () {
      const { error, stdout, stderr } = yield* run(command, plugin.args ?? [], env).pipe(
        Effect.timeoutOrElse({
          duration: longestRun,
          orElse: () => Effect.fail(failed(`it did not end within ${longestRun}`))
        })
      )
      if (error !== null) return yield* failed(why(error), stderr)
      const credential = parse(stdout, plugin.apiVersion)
      if (credential._tag === "Failure") return yield* failed(credential.failure, stderr)
      const value = credential.success
      const end = Math.max(value.expires, (yield* Clock.currentTimeMillis) + shortestLife)
      return { value, renewAt: end, badAt: end }
    }).pipe(Effect.withSpan("ExecPlugin.run", { attributes: { command } }))
  )
}
