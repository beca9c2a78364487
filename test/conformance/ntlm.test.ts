/** Our side of NTLM against another implementation of its server's side, on a socket. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { createHash, X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import { Dial, type Endpoint } from "../../layers/Dial.ts"
import * as Lane from "../../layers/wsman/Lane.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import { temporary } from "../harness/Folder.ts"

/** An interpreter whose environment has pypsrp and pyspnego. */
const python = process.env["PYPSRP_PYTHON"] ?? ""
if (python === "") process.stderr.write("skipped: NTLM with pyspnego (PYPSRP_PYTHON is not set)\n")

const password = "pässword 1"

/**
 * Listeners that know one user, by http and by https; they end with the scope.
 * @param bound of the certificate by which log-ons inside TLS must be bound, from the listener's own
 */
const acceptor = (bound: (own: Uint8Array) => Uint8Array = (own) => own) =>
  Effect.gen(function* () {
    const folder = yield* temporary("ntlm")
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text)
      return path.join(folder, name)
    }
    const authority = yield* CertificateAuthority.make("lab")
    const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
    // Said in so many words, and not by our own code: RFC 5929 §4.1, of a certificate that is signed with SHA-256.
    const hash = createHash("sha256")
      .update(bound(new X509Certificate(tls.cert).raw))
      .digest()
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(python, [path.join(import.meta.dirname, "pypsrp", "acceptor.py")], {
          stdio: ["pipe", "pipe", "inherit"],
          env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" }
        })
      ),
      (running) => Effect.sync(() => void running.kill())
    )
    const given = {
      store: file("users", `LAB:capi:${password}\n:capi@lab.example:${password}\n`),
      cert: file("tls.crt", tls.cert),
      key: file("tls.key", tls.key),
      binding: Buffer.concat([Buffer.from("tls-server-end-point:"), hash]).toString("base64")
    }
    child.stdin.write(`${JSON.stringify(given)}\n`)
    const [http, https] = yield* Effect.callback<ReadonlyArray<string>>((resume) => {
      child.stdout.once("data", (line: Buffer) => resume(Effect.succeed(line.toString("utf8").trim().split(" "))))
      child.on("error", (error) => resume(Effect.die(error)))
      child.on("close", (code) => resume(Effect.die(new Error(`the acceptor ended with ${code}`))))
    })
    return {
      sealed: { origin: `http://127.0.0.1:${http}` },
      bound: { origin: `https://127.0.0.1:${https}`, tls: { ca: authority.ca } }
    }
  })

const lane = (endpoint: Endpoint, userName: string, secret: string) =>
  Lane.make({
    endpoint,
    credentials: { authentication: "Negotiate", userName, password: Redacted.make(secret) },
    operationTimeoutSeconds: 20
  })

describe.skipIf(python === "")("NTLM with pyspnego's acceptor", () => {
  it.live(
    "logs on, names its channel inside TLS, and exchanges a thousand sealed messages each way on one log-on",
    () =>
      Effect.gen(function* () {
        const { sealed, bound } = yield* acceptor()
        const inside = yield* lane(bound, "LAB\\capi", password)
        for (const envelope of ["<a/>", "<b/>"])
          assert.strictEqual(yield* inside.post(envelope), `<answer>${envelope}</answer>`)
        assert.strictEqual(yield* inside.exchanges, 4)
        const { post, exchanges } = yield* lane(sealed, "LAB\\capi", password)
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
    "is refused where its channel is not the listener's",
    () =>
      Effect.gen(function* () {
        const { bound } = yield* acceptor((own) => Uint8Array.from([...own, 0]))
        const { post } = yield* lane(bound, "LAB\\capi", password)
        assert.deepInclude(yield* Effect.flip(post("<a/>")), { _tag: "WsmanAuthenticationFailed", sent: false })
      }).pipe(Effect.provide(Dial.layerUndici)),
    60_000
  )

  it.live(
    "is let in by both forms of a name, and refused with a wrong password",
    () =>
      Effect.gen(function* () {
        const { sealed } = yield* acceptor()
        for (const userName of ["lab\\CAPI", "capi@lab.example"]) {
          const { post } = yield* lane(sealed, userName, password)
          assert.strictEqual(yield* post("<a/>"), "<answer><a/></answer>")
        }
        const { post } = yield* lane(sealed, "LAB\\capi", "hunter2")
        assert.deepInclude(yield* Effect.flip(post("<a/>")), { _tag: "WsmanAuthenticationFailed", sent: false })
      }).pipe(Effect.provide(Dial.layerUndici)),
    60_000
  )
})
