/** Our log-on by Kerberos against a KDC of MIT and an acceptor of its GSSAPI, on sockets. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import * as path from "node:path"
import { Dial } from "../../layers/Dial.ts"
import { KerberosFailure, KerberosLibrary } from "../../layers/wsman/KerberosLibrary.ts"
import * as Lane from "../../layers/wsman/Lane.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Kdc from "../harness/Kdc.ts"

/** An interpreter whose environment has gssapi. */
const python = process.env["PYPSRP_PYTHON"] ?? ""

const installed = (): boolean => {
  try {
    createRequire(import.meta.url).resolve("kerberos")
    return true
  } catch {
    // An optional dependency.
    return false
  }
}

const lacking = python === "" ? "PYPSRP_PYTHON is not set" : installed() ? Kdc.missing : 'the package "kerberos"'
if (lacking !== "") process.stderr.write(`skipped: Kerberos with MIT's KDC (${lacking})\n`)

/** The library reads them from the process; this file has one of its own. */
const variables = ["KRB5_CONFIG", "KRB5CCNAME", "KRB5_CLIENT_KTNAME"]

describe.skipIf(lacking !== "")("Kerberos with MIT's KDC and acceptor", () => {
  const scope = Effect.runSync(Scope.make())
  let realm: Kdc.Kdc | undefined
  const kdc = Effect.suspend(() => (realm === undefined ? Effect.die("no KDC") : Effect.succeed(realm)))
  const keytab = (name: string) => Effect.map(kdc, ({ folder }) => path.join(folder, `${name}.keytab`))

  beforeAll(
    () =>
      Effect.gen(function* () {
        const made = yield* Kdc.make
        realm = made
        for (const name of ["capi", "locked", "HTTP/localhost"]) {
          const file = path.join(made.folder, `${name.replace("/", "-")}.keytab`)
          yield* made.admin(`addprinc -randkey ${name === "locked" ? "+requires_preauth " : ""}${name}`)
          yield* made.admin(`ktadd -k ${file} ${name}`)
        }
        // Its password was changed since: the keytab is of the one before.
        yield* made.admin("change_password -randkey locked")
      }).pipe(Scope.provide(scope), Effect.runPromise),
    60_000
  )
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

  /** Who we are to Kerberos, for the time of a test. */
  const as = (name: string) =>
    Effect.gen(function* () {
      const { env, folder } = yield* kdc
      const own: Record<string, string | undefined> = {
        KRB5_CONFIG: env.KRB5_CONFIG,
        KRB5CCNAME: `MEMORY:${name}`,
        KRB5_CLIENT_KTNAME: name === "" ? path.join(folder, "none") : yield* keytab(name)
      }
      for (const variable of variables) process.env[variable] = own[variable]
    })

  /** The origin of a listener, and what to trust. */
  const listener = (proof: "send" | "omit" | "spoil", keys = "HTTP-localhost") =>
    Effect.gen(function* () {
      const { env, folder } = yield* kdc
      const authority = yield* CertificateAuthority.make("lab")
      const tls = yield* authority.issue({ commonName: "localhost", usage: "server" })
      const [cert, key] = [path.join(folder, "tls.crt"), path.join(folder, "tls.key")]
      writeFileSync(cert, tls.cert)
      writeFileSync(key, tls.key)
      const service = yield* keytab(keys)
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(python, [path.join(import.meta.dirname, "kerberos", "acceptor.py")], {
            stdio: ["pipe", "pipe", "inherit"],
            env: { ...process.env, ...env, KRB5_KTNAME: service, PYTHONDONTWRITEBYTECODE: "1" }
          })
        ),
        (running) => Effect.sync(() => void running.kill())
      )
      child.stdin.write(`${JSON.stringify({ cert, key, proof })}\n`)
      const port = yield* Effect.callback<number>((resume) => {
        child.stdout.once("data", (line: Buffer) => resume(Effect.succeed(Number(line.toString("utf8")))))
        child.on("error", (error) => resume(Effect.die(error)))
        child.on("close", (code) => resume(Effect.die(new Error(`the acceptor ended with ${code}`))))
      })
      return { origin: `https://localhost:${port}`, tls: { ca: authority.ca } }
    })

  const lane = (endpoint: Lane.LaneOptions["endpoint"], userName: string) =>
    Lane.make({
      endpoint,
      credentials: { authentication: "Kerberos", userName, password: Redacted.make("not used") },
      operationTimeoutSeconds: 20
    })

  /** What one exchange ends in. */
  const failure = (endpoint: Lane.LaneOptions["endpoint"], userName = "") =>
    Effect.flatMap(lane(endpoint, userName), ({ post }) => Effect.flip(post("<a/>"))).pipe(Effect.scoped)

  it.live("logs on once for each connection, by the client's keytab, whoever of it is named", () =>
    Effect.gen(function* () {
      const endpoint = yield* listener("send")
      yield* as("capi")
      for (const userName of ["LAB\\capi", "capi@lab.example"]) {
        const { post, exchanges } = yield* lane(endpoint, userName)
        for (const envelope of ["<a/>", "<b>straße</b>"])
          assert.strictEqual(yield* post(envelope), `<answer to='capi@${Kdc.realm}'>${envelope}</answer>`)
        assert.strictEqual(yield* exchanges, 3)
      }
    }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live.each([
    ["omit", "sent no token"],
    ["spoil", "did not prove itself"]
  ] as const)("says nothing to a listener that does not prove itself (%s)", ([proof, text]) =>
    Effect.gen(function* () {
      const endpoint = yield* listener(proof)
      yield* as("capi")
      const error = yield* failure(endpoint)
      assert.deepInclude(error, { _tag: "WsmanProtocol", sent: false })
      assert.include(error.message, text)
    }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live(
    "tells of credentials that are not there, of a service that the KDC does not know, and of another realm",
    () =>
      Effect.gen(function* () {
        const endpoint = yield* listener("send")
        yield* as("")
        const none = yield* failure(endpoint)
        assert.deepInclude(none, { _tag: "WsmanUnavailable", kind: "ticket", sent: false })
        assert.include(none.message, "HTTP@localhost")
        yield* as("capi")
        const unknown = yield* failure({ ...endpoint, origin: endpoint.origin.replace("localhost", "127.0.0.1") })
        assert.deepInclude(unknown, { _tag: "WsmanUnavailable", kind: "ticket", sent: false })
        const elsewhere = yield* failure(endpoint, "capi@other.example")
        assert.deepInclude(elsewhere, { _tag: "WsmanUnavailable", kind: "ticket", sent: false })
      }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live("that a listener refuses says what to look at, which is no password", () =>
    Effect.gen(function* () {
      const endpoint = yield* listener("send", "capi")
      yield* as("capi")
      const error = yield* failure(endpoint)
      assert.deepInclude(error, { _tag: "WsmanAuthenticationFailed", sent: false })
      assert.match("remedy" in error ? (error.remedy ?? "") : "", /HTTP\/<host>.*CbtHardeningLevel/u)
    }).pipe(Effect.provide(Dial.layerUndici))
  )

  it.live("counts a refusal of the KDC as one of the account's", () =>
    Effect.gen(function* () {
      const endpoint = yield* listener("send")
      yield* as("locked")
      const error = yield* failure(endpoint)
      assert.deepInclude(error, { _tag: "WsmanAuthenticationFailed", sent: false })
      assert.include("remedy" in error ? error.remedy : "", "KRB5_CLIENT_KTNAME")
    }).pipe(Effect.provide(Dial.layerUndici))
  )
})

describe("Kerberos without the library", () => {
  it.effect("says how to get it, and dials nobody; so it does over http", () =>
    Effect.gen(function* () {
      const failure = (origin: string) =>
        Effect.flatMap(
          Lane.make({
            endpoint: { origin },
            credentials: { authentication: "Kerberos", userName: "capi", password: Redacted.make("x") },
            operationTimeoutSeconds: 20
          }),
          (lane) => Effect.flip(lane.post("<a/>"))
        ).pipe(
          Effect.scoped,
          Effect.provideService(KerberosLibrary, () =>
            Effect.fail(new KerberosFailure({ absent: true, detail: "Cannot find module 'kerberos'" }))
          ),
          Effect.provide(Dial.layerInProcess(new Map()))
        )
      const error = yield* failure("https://exec1.example:5986")
      assert.deepInclude(error, { _tag: "WsmanAuthenticationUnsupported", sent: false })
      assert.include(error.message, 'npm package "kerberos"')
      assert.include((yield* failure("http://exec1.example:5985")).message, "Kerberos needs https")
    })
  )
})
