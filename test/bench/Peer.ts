/** Go programs beside which ours is measured: built where there is a Go toolchain, absent elsewhere. */
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as path from "node:path"

const binaries = path.resolve(import.meta.dirname, "../../node_modules/.cache/bench")

/** Undefined, and a line that says why, where it cannot be built; the first build downloads its modules. */
const build = (name: string, source: string): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const binary = path.join(binaries, name)
    childProcess.execFile("go", ["build", "-o", binary, "."], { cwd: source }, (error, _, stderr) => {
      if (error === null) return resume(Effect.succeed(binary))
      const why = error.code === "ENOENT" ? "there is no go" : stderr.trim() || error.message
      // Beside the table, which is for stdout.
      process.stderr.write(`without ${name}: ${why}\n`)
      return resume(Effect.undefined)
    })
  })

const once = (name: string, source: string): Effect.Effect<string | undefined> =>
  Effect.runSync(Effect.cached(build(name, path.join(import.meta.dirname, source))))

/** Path of the built program; built once a run. A provider as it is usually written in Go. */
export const peer = once("peer", "peer")

/** masterzen/winrm as a client of the call benchmarks. */
export const masterzen = once("masterzen", "call/masterzen")
