import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn } from "node:child_process"
import { X509Certificate } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as path from "node:path"
import * as Module from "../../layers/scvmm/Module.ts"
import * as CertificateAuthority from "../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../src/simulators/Listener.ts"
import { fast } from "../../src/simulators/scvmm/Latency.ts"
import type { PowerShellHost } from "../../src/simulators/scvmm/PowerShellHost.ts"
import * as Scvmm from "../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import * as Console from "../src/simulators/scvmm/Console.ts"
import * as EchoHost from "../src/simulators/scvmm/EchoHost.ts"
import { temporary } from "../harness/Folder.ts"

/** An interpreter whose environment has pypsrp. */
const python = process.env["PYPSRP_PYTHON"] ?? ""
if (python === "") process.stderr.write("skipped: pypsrp on the simulator (PYPSRP_PYTHON is not set)\n")
const described =
  python === ""
    ? (name: string, suite: () => void) => describe.skip(`${name} (skipped: PYPSRP_PYTHON is not set)`, suite)
    : describe

const user = { userName: "capi", password: "p4ss:word" }

interface Seen {
  readonly output: ReadonlyArray<unknown>
  readonly hadErrors: boolean
  readonly state: number
  readonly errors: ReadonlyArray<{
    readonly message: string
    readonly id: string
    readonly category: number
    readonly exception: string
  }>
  readonly warnings: ReadonlyArray<string>
  readonly progress: ReadonlyArray<readonly [string, number]>
}

/** Runs a script of the folder beside this file with `input` on its standard input; answers what it printed. */
const script = (name: string, input: unknown): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const child = spawn(python, [path.join(import.meta.dirname, "pypsrp", name)], {
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
          : Effect.die(new Error(`${name} ended with ${code}: ${Buffer.concat(complained).toString("utf8")}`))
      )
    )
    child.stdin.end(JSON.stringify(input))
    return Effect.sync(() => child.kill())
  })

const serve = (host: PowerShellHost, strict = false) =>
  Effect.gen(function* () {
    const authority = yield* CertificateAuthority.make("simulators")
    const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
    const certificate = new Uint8Array(new X509Certificate(tls.cert).raw)
    const server = yield* WinRmServer.make({ host, users: [user], ...(strict && { certificate }) })
    const listener = yield* Listener.listen({ handler: server.handler, tls })
    const folder = yield* temporary("pypsrp")
    const ca = path.join(folder, "ca.pem")
    writeFileSync(ca, authority.ca)
    return { server, settings: { host: "127.0.0.1", port: listener.port, ca, ...user } }
  })

const live = (name: string, body: Effect.Effect<void, unknown, Scope.Scope>) => it.live(name, () => body, 60_000)

described("pypsrp on the simulator over https", () => {
  live(
    "sees every stream, errors, large values and long silences as from Windows",
    Effect.gen(function* () {
      const { server, settings } = yield* serve(EchoHost.make().host)
      const printed = yield* script("echo.py", { ...settings, operationTimeout: 1 })
      // The shape is that of echo.py.
      const seen = JSON.parse(printed) as {
        readonly version: string
        readonly streams: Seen
        readonly thrown: Seen
        readonly bigLength: number
        readonly bigReturned: boolean
        readonly silence: Seen
        readonly after: ReadonlyArray<unknown>
      }
      assert.strictEqual(seen.version, "5.1.20348.2849")
      // pypsrp counts only a pipeline that Failed as having had errors.
      assert.deepStrictEqual(seen.streams, {
        output: ["straße 𝄞 & <tag>", 7],
        hadErrors: false,
        state: 4,
        errors: [
          {
            message: "locked",
            id: "2602,Start-SCVirtualMachine",
            category: 29,
            exception: "Microsoft.VirtualManager.Utils.CarmineException"
          }
        ],
        warnings: ["careful"],
        progress: [["Create virtual machine", 40]]
      })
      assert.strictEqual(seen.thrown.state, 5)
      assert.strictEqual(seen.thrown.errors[0]?.message, "no such template")
      // Python counts code points, the host UTF-16 units.
      assert.strictEqual(seen.bigLength, 800_000)
      assert.isTrue(seen.bigReturned)
      assert.strictEqual(seen.silence.state, 4)
      assert.deepStrictEqual(seen.after, [true])
      assert.deepStrictEqual(yield* server.shells, [])
      assert.strictEqual(yield* server.refusedLogOns, 0)
    })
  )

  live(
    "calls our functions on the model of SCVMM",
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: fast })
      const { server, settings } = yield* serve(scvmm.host)
      const missing = "33333333-3333-4333-8333-333333333333"
      const printed = yield* script("verbs.py", {
        ...settings,
        module: yield* Module.text,
        connect: { server: Console.server, userName: Console.userName, password: Console.password },
        markerText: "no such marker",
        missing
      })
      // The shape is that of verbs.py.
      const seen = JSON.parse(printed) as {
        readonly loaded: number
        readonly server: { readonly Name: string }
        readonly list: unknown
        readonly missing: Seen
      }
      assert.strictEqual(seen.loaded, 4)
      assert.strictEqual(seen.server.Name, Console.server)
      assert.deepStrictEqual(seen.list, { VirtualMachines: [], Missing: [] })
      assert.strictEqual(seen.missing.state, 5)
      assert.include(seen.missing.errors[0]?.id ?? "", "VirtualMachineNotFound")
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )
})

described("pypsrp on the simulator over https by NTLM", () => {
  live(
    "binds its log-on to the certificate as we do",
    Effect.gen(function* () {
      const { server, settings } = yield* serve(EchoHost.make().host, true)
      assert.deepStrictEqual(JSON.parse(yield* script("ntlm.py", { ...settings, auth: "ntlm", pipelines: 3 })), {
        same: 3
      })
      assert.strictEqual(yield* server.refusedLogOns, 0)
    })
  )
})

described("pypsrp on the simulator over http, sealed by NTLM", () => {
  live(
    "exchanges more than a thousand messages each way",
    Effect.gen(function* () {
      const domainUser = { userName: "LAB\\capi", password: "pässword:1" }
      const server = yield* WinRmServer.make({ host: EchoHost.make().host, users: [domainUser] })
      const bodies: Array<string> = []
      const listener = yield* Listener.listen({
        handler: (request, connection) => {
          bodies.push(new TextDecoder("latin1").decode(request.body))
          return server.handler(request, connection)
        }
      })
      const pipelines = 520
      const printed = yield* script("ntlm.py", {
        host: "127.0.0.1",
        port: listener.port,
        auth: "ntlm",
        ...domainUser,
        pipelines
      })
      assert.deepStrictEqual(JSON.parse(printed), { same: pipelines })
      const sealed = bodies.filter((body) => body.startsWith("--Encrypted Boundary"))
      assert.isAbove(sealed.length, 1000)
      assert.isFalse(bodies.some((body) => body.includes("Envelope")))
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )
})
