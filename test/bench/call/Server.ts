/** The server of the call benchmarks (CallServer), from the outside. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as childProcess from "node:child_process"
import * as path from "node:path"
import * as readline from "node:readline"
import * as Process from "../../harness/Process.ts"
import { Counts, Served } from "./Wire.ts"

export interface Server extends Served {
  /** Forgets counts and recordings. */
  readonly reset: Effect.Effect<void>
  /** Exchanges since. */
  readonly counts: Effect.Effect<Counts>
}

const program = path.join(import.meta.dirname, "CallServer.ts")

/** As long as the scope. */
export const start = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => childProcess.spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] })),
    Process.terminate
  )
  const line = yield* Effect.callback<string>((resume) => {
    readline.createInterface({ input: child.stdout }).once("line", (line) => resume(Effect.succeed(line)))
    child.once("exit", () => resume(Effect.die(new Error("the server did not start"))))
  })
  const served = Schema.decodeUnknownSync(Served)(JSON.parse(line))
  const ask = (what: string) =>
    Effect.promise((signal) =>
      fetch(`http://127.0.0.1:${served.ports.ntlm}/bench/${what}`, { signal }).then((answer) => answer.json())
    )
  return {
    ...served,
    reset: Effect.asVoid(ask("reset")),
    counts: Effect.map(ask("counts"), Schema.decodeUnknownSync(Counts))
  } satisfies Server as Server
})
