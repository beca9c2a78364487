/** Our side of NTLM against another implementation of its server's side, on a socket. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import { Dial } from "../../layers/Dial.ts"
import * as Lane from "../../layers/wsman/Lane.ts"
import { temporary } from "../harness/Folder.ts"

/** An interpreter whose environment has pypsrp and pyspnego. */
const python = process.env["PYPSRP_PYTHON"] ?? ""
if (python === "") process.stderr.write("skipped: NTLM with pyspnego (PYPSRP_PYTHON is not set)\n")

const password = "pässword 1"

/** The port of a listener that knows one user; it ends with the scope. */
const acceptor = Effect.gen(function* () {
  const folder = yield* temporary("ntlm")
  const store = path.join(folder, "users")
  writeFileSync(store, `LAB:capi:${password}\n:capi@lab.example:${password}\n`)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(python, [path.join(import.meta.dirname, "pypsrp", "acceptor.py")], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" }
      })
    ),
    (running) => Effect.sync(() => void running.kill())
  )
  child.stdin.write(`${JSON.stringify({ store })}\n`)
  return yield* Effect.callback<number>((resume) => {
    child.stdout.once("data", (line: Buffer) => resume(Effect.succeed(Number(line.toString("utf8")))))
    child.on("error", (error) => resume(Effect.die(error)))
    child.on("close", (code) => resume(Effect.die(new Error(`the acceptor ended with ${code}`))))
  })
})

const lane = (port: number, userName: string, secret: string) =>
  Lane.make({
    endpoint: { origin: `http://127.0.0.1:${port}` },
    credentials: { authentication: "Negotiate", userName, password: Redacted.make(secret) },
    operationTimeoutSeconds: 20
  })

describe.skipIf(python === "")("NTLM with pyspnego's acceptor", () => {
  it.live(
    "exchanges a thousand sealed messages each way on one log-on",
    () =>
      Effect.gen(function* () {
        const port = yield* acceptor
        const { post, exchanges } = yield* lane(port, "LAB\\capi", password)
        for (let number = 0; number < 1000; number++) {
          const envelope = `<e n="${number}">straße 𝄞 ${"x".repeat((number * 37) % 5000)}</e>`
          assert.strictEqual(yield* post(envelope), `<answer>${envelope}</answer>`)
        }
        assert.strictEqual(yield* exchanges, 1002)
        const large = "y".repeat(500_000)
        assert.strictEqual(yield* post(large), `<answer>${large}</answer>`)
      }).pipe(Effect.provide(Dial.layerUndici)),
    60_000
  )

  it.live(
    "is let in by both forms of a name, and refused with a wrong password",
    () =>
      Effect.gen(function* () {
        const port = yield* acceptor
        for (const userName of ["lab\\CAPI", "capi@lab.example"]) {
          const { post } = yield* lane(port, userName, password)
          assert.strictEqual(yield* post("<a/>"), "<answer><a/></answer>")
        }
        const { post } = yield* lane(port, "LAB\\capi", "hunter2")
        assert.deepInclude(yield* Effect.flip(post("<a/>")), { _tag: "WsmanAuthenticationFailed", sent: false })
      }).pipe(Effect.provide(Dial.layerUndici)),
    60_000
  )
})
