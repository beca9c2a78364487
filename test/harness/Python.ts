/** Foreign clients and servers in Python: programs under test/conformance, run by an interpreter that has their libraries. */
import { describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as path from "node:path"

/** An interpreter whose environment has pypsrp, psrpcore and pywinrm; "" where there is none. */
export const python = process.env["PYPSRP_PYTHON"] ?? ""

/** A suite that is skipped, visibly, where there is no such interpreter. */
export const describePython = (name: string, suite: () => void): void => {
  if (python !== "") {
    describe(name, suite)
    return
  }
  process.stderr.write(`skipped: ${name} (PYPSRP_PYTHON is not set)\n`)
  describe.skip(`${name} (skipped: PYPSRP_PYTHON is not set)`, suite)
}

/** Runs a program of test/conformance with `input` as JSON on its standard input; answers what it printed. */
export const runPython = (program: string, input: unknown): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const child = spawn(python, [path.join(import.meta.dirname, "../conformance", program)], {
      stdio: "pipe",
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" }
    })
    const printed: Array<Buffer> = []
    const complained: Array<Buffer> = []
    child.stdout.on("data", (piece: Buffer) => printed.push(piece))
    child.stderr.on("data", (piece: Buffer) => complained.push(piece))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(Buffer.concat(printed).toString("utf8"))
          : Effect.die(new Error(`${program} ended with ${code}: ${Buffer.concat(complained).toString("utf8")}`))
      )
    )
    child.stdin.end(JSON.stringify(input))
    return Effect.sync(() => child.kill())
  })
