/** The real kubectl as a child process, on any kubeconfig. */
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { temporary } from "./Folder.ts"

const assets = process.env["KUBEBUILDER_ASSETS"] ?? ""
const binary = path.join(assets, "kubectl")

/** Why tests cannot run it here, or undefined when they can. */
export const unavailable: string | undefined =
  assets !== "" && fs.existsSync(binary) ? undefined : "skipped: no kubectl in KUBEBUILDER_ASSETS"

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface Kubectl {
  /** Standard output; standard error where it failed. */
  readonly text: (args: ReadonlyArray<string>, input?: string) => Effect.Effect<string>
  /** The same with its exit code; ended when interrupted. */
  readonly run: (args: ReadonlyArray<string>, input?: string) => Effect.Effect<Ended>
}

/** What it caches of discovery goes with the scope. */
export const make = Effect.fnUntraced(function* (kubeconfig: string) {
  const cache = yield* temporary("kubectl")
  const run: Kubectl["run"] = (args, input = "") =>
    Effect.callback((resume) => {
      const child = childProcess.execFile(
        binary,
        ["--kubeconfig", kubeconfig, "--cache-dir", cache, ...args],
        { maxBuffer: 1 << 26 },
        (error, stdout, stderr) =>
          resume(Effect.succeed({ code: error === null ? 0 : (child.exitCode ?? -1), stdout, stderr }))
      )
      child.stdin?.end(input)
      return Effect.sync(() => void child.kill())
    })
  const kubectl: Kubectl = {
    run,
    text: (args, input) => Effect.map(run(args, input), ({ code, stdout, stderr }) => (code === 0 ? stdout : stderr))
  }
  return kubectl
})
