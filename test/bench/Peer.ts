/** The Go program beside which the operator is measured: built where there is a Go toolchain, absent elsewhere. */
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as path from "node:path"

const source = path.join(import.meta.dirname, "peer")
const binary = path.resolve(import.meta.dirname, "../../node_modules/.cache/bench/peer")

/** Undefined, and a line that says why, where it cannot be built; the first build downloads its modules. */
const build: Effect.Effect<string | undefined> = Effect.callback((resume) => {
  childProcess.execFile("go", ["build", "-o", binary, "."], { cwd: source }, (error, _, stderr) => {
    if (error === null) return resume(Effect.succeed(binary))
    const why = error.code === "ENOENT" ? "there is no go" : stderr.trim() || error.message
    // Beside the table, which is for stdout.
    process.stderr.write(`without peer: ${why}\n`)
    return resume(Effect.undefined)
  })
})

/** Path of the built program; built once a run. */
export const peer: Effect.Effect<string | undefined> = Effect.runSync(Effect.cached(build))
