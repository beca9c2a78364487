/** The simulated listener's log-ons as another implementation's client makes them: by certificate, and by NTLM inside SPNEGO. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import type { Request } from "../../schemas/http/Exchange.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import * as EchoHost from "../src/simulators/scvmm/EchoHost.ts"
import { temporary } from "../harness/Folder.ts"

/** An interpreter whose environment has pypsrp. */
const python = process.env["PYPSRP_PYTHON"] ?? ""
if (python === "") process.stderr.write("skipped: log-ons of pypsrp (PYPSRP_PYTHON is not set)\n")

const user = { userName: "LAB\\capi", password: "pässword:1", certificateSubject: "capi@lab.example" }

/** The listener by http and https, and what came to it. */
const site = Effect.gen(function* () {
  const folder = yield* temporary("logon")
  const file = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  }
  const authority = yield* CertificateAuthority.make("lab")
  const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
  const server = yield* WinRmServer.make({
    host: EchoHost.make().host,
    users: [user],
    certificate: new Uint8Array(new X509Certificate(tls.cert).raw),
    cbtHardeningLevel: "Strict"
  })
  const asked: Array<Request> = []
  const handler: Listener.ListenOptions["handler"] = (request, connection) => {
    asked.push(request)
    return server.handler(request, connection)
  }
  const secure = yield* Listener.listen({ handler, tls: { ...tls, clientCa: authority.ca } })
  const plain = yield* Listener.listen({ handler })
  /** The Authorization headers that came, each once. */
  const authorizations = () => [...new Set(asked.map(({ headers }) => headers["authorization"] ?? ""))]
  const realms = file("krb5.conf", "[libdefaults]\n  dns_lookup_kdc = false\n  dns_lookup_realm = false\n")
  const script = (input: object): Effect.Effect<unknown> =>
    Effect.callback((resume) => {
      const child = spawn(python, [path.join(import.meta.dirname, "pypsrp", "log_on.py")], {
        stdio: ["pipe", "pipe", "pipe"],
        // No Kerberos is to be looked for.
        env: { ...process.env, KRB5_CONFIG: realms, PYTHONDONTWRITEBYTECODE: "1" }
      })
      let printed = ""
      let complained = ""
      child.stdout.on("data", (piece: Buffer) => (printed += piece.toString("utf8")))
      child.stderr.on("data", (piece: Buffer) => (complained += piece.toString("utf8")))
      child.on("error", (error) => resume(Effect.die(error)))
      child.on("close", (code) => resume(code === 0 ? Effect.sync(() => JSON.parse(printed)) : Effect.die(complained)))
      child.stdin.end(JSON.stringify({ server: "127.0.0.1", ...input }))
      return Effect.sync(() => child.kill())
    })
  const http = { port: plain.port, ssl: false }
  const https = { port: secure.port, ssl: true, cert_validation: file("ca.crt", authority.ca) }
  return { authority, server, authorizations, script, file, http, https }
})

const said = [0, 1, 2].map((number) => `${number} straße`)

describe.skipIf(python === "")("pypsrp logs on to the simulated listener", () => {
  it.live(
    "by a client certificate that is mapped to a user, and by no other",
    () =>
      Effect.gen(function* () {
        const { authority, server, authorizations, script, file, https } = yield* site
        const by = (name: string) =>
          Effect.map(authority.issue({ commonName: "capi", userPrincipalName: name, usage: "client" }), (own) => ({
            ...https,
            auth: "certificate",
            certificate_pem: file(`${name}.crt`, own.cert),
            certificate_key_pem: file(`${name}.key`, own.key)
          }))
        assert.deepStrictEqual(yield* script(yield* by("capi@lab.example")), said)
        assert.deepStrictEqual(authorizations(), ["http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"])
        assert.strictEqual(yield* server.refusedLogOns, 0)
        assert.include(String(yield* Effect.exit(script(yield* by("other@lab.example")))), "AuthenticationError")
        assert.isAbove(yield* server.refusedLogOns, 0)
      }),
    60_000
  )

  it.live.each(["http", "https"] as const)(
    "by NTLM inside SPNEGO, over %s",
    (scheme) =>
      Effect.gen(function* () {
        const { server, authorizations, script, ...at } = yield* site
        const { userName: username, password } = user
        assert.deepStrictEqual(
          yield* script({ ...at[scheme], auth: "negotiate", username, password, wrap: true }),
          said
        )
        // NegTokenInit and NegTokenResp, and no token of NTLM as it is.
        assert.deepStrictEqual(
          authorizations().flatMap((header) => (header === "" ? [] : [header.slice(0, 12)])),
          ["Negotiate YE", "Negotiate oY"]
        )
        assert.strictEqual(yield* server.refusedLogOns, 0)
        assert.deepStrictEqual(yield* server.shells, [])
      }),
    60_000
  )
})
