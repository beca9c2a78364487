import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Module from "../../layers/scvmm/Module.ts"
import { fast } from "../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../src/simulators/scvmm/Scvmm.ts"
import type * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import { describePython, runPython } from "../harness/Python.ts"
import { type Over, serveWinRm } from "../harness/ServedWinRm.ts"
import * as Console from "../src/simulators/scvmm/Console.ts"
import * as EchoHost from "../src/simulators/scvmm/EchoHost.ts"

interface Seen {
  readonly output: ReadonlyArray<unknown>
  readonly hadErrors: boolean
  readonly state: number
  readonly errors: ReadonlyArray<{
    readonly message: string
    readonly id: string
    readonly category: number
    readonly activity: string
    readonly reason: string
    readonly target: ReadonlyArray<unknown>
    readonly exception: string
  }>
  readonly warnings: ReadonlyArray<string>
  readonly verbose: ReadonlyArray<string>
  readonly debug: ReadonlyArray<string>
  readonly information: ReadonlyArray<readonly [string, ReadonlyArray<string>]>
  readonly progress: ReadonlyArray<readonly [string, number]>
}

/** Side by side: foreign clients mostly wait. */
const live = (name: string, body: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => body, { concurrent: true, timeout: 120_000 })

/** pypsrp lets a pipeline without errors and one that was stopped end so. */
const completed = 4
const stopped = 3

const megabyte = 1_000_000

const wires: ReadonlyArray<{
  readonly name: string
  readonly over: Over
  readonly auth: "basic" | "ntlm"
  readonly options?: Partial<WinRmServer.Options>
  /** UTF-16 units each way. */
  readonly length: number
}> = [
  { name: "Basic over https", over: "https", auth: "basic", length: megabyte },
  { name: "NTLM, sealed over http", over: "http", auth: "ntlm", length: megabyte },
  { name: "NTLM over https, bound to the certificate", over: "Strict", auth: "ntlm", length: megabyte },
  {
    name: "Basic over https, in small fragments",
    over: "https",
    auth: "basic",
    options: { fragmentBytes: 4000 },
    length: megabyte / 5
  },
  {
    name: "NTLM, sealed over http, piece by piece",
    over: "http",
    auth: "ntlm",
    options: { delivery: "Piecewise" },
    length: megabyte / 5
  }
]

describePython("pypsrp on the simulator", () => {
  for (const { name, over, auth, options, length } of wires) {
    live(
      `does everything by ${name}`,
      Effect.gen(function* () {
        const echo = EchoHost.make()
        const { server, settings, bodies } = yield* serveWinRm(over, { host: echo.host, ...options })
        const printed = yield* runPython("pypsrp/list.py", { ...settings, auth, length, operationTimeout: 1 })
        // The shape is that of list.py.
        const seen = JSON.parse(printed) as {
          readonly version: string
          readonly text: boolean
          readonly streams: Seen
          readonly thrown: Seen
          readonly large: unknown
          readonly silence: number
          readonly stopped: unknown
          readonly alive: boolean
          readonly disconnected: unknown
          readonly closed: boolean
        }
        assert.strictEqual(seen.version, "5.1.20348.2849")
        assert.isTrue(seen.text)
        const locked = {
          message: "locked",
          id: "2602,Start-SCVirtualMachine",
          category: 29,
          activity: "Start-SCVirtualMachine",
          reason: "CarmineException",
          target: ["vm-1", "String", "vm-1"],
          exception: "Microsoft.VirtualManager.Utils.CarmineException"
        }
        // pypsrp counts only a pipeline that Failed as having had errors.
        assert.deepStrictEqual(seen.streams, {
          output: ["out", 7],
          hadErrors: false,
          state: completed,
          errors: [locked],
          warnings: ["careful"],
          verbose: ["in detail"],
          debug: ["inside"],
          information: [["by the way", ["Echo"]]],
          progress: [["Create virtual machine", 40]]
        })
        assert.strictEqual(seen.thrown.state, 5)
        assert.isTrue(seen.thrown.hadErrors)
        assert.deepStrictEqual(seen.thrown.errors, [{ ...locked, message: "no such template" }])
        // Python counts code points, the host UTF-16 units.
        assert.deepStrictEqual(seen.large, { length: (length * 4) / 5, argument: true, input: true })
        assert.strictEqual(seen.silence, completed)
        assert.deepStrictEqual(seen.stopped, { state: stopped, after: [1] })
        assert.isTrue(seen.alive)
        assert.deepStrictEqual(seen.disconnected, {
          states: ["Disconnected", "Connected"],
          again: ["again"],
          found: [true, true],
          taken: ["early", "late"],
          version: "5.1.20348.2849",
          fresh: ["other"]
        })
        assert.isFalse(seen.closed)
        assert.include(echo.log, "Start-Sleep Interrupt")
        assert.strictEqual(echo.log.at(-1), "closed")
        assert.deepStrictEqual(yield* server.shells, [])
        assert.strictEqual(yield* server.refusedLogOns, 0)
        if (over === "http") assert.isFalse(bodies.some((body) => body.includes("Envelope")))
      })
    )
  }

  live(
    "calls our functions on the model of SCVMM",
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: fast })
      const { server, settings } = yield* serveWinRm("https", { host: scvmm.host })
      const missing = "33333333-3333-4333-8333-333333333333"
      const printed = yield* runPython("pypsrp/verbs.py", {
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

describePython("pypsrp on the simulator over http, sealed by NTLM", () => {
  live(
    "exchanges more than a thousand messages each way",
    Effect.gen(function* () {
      const domainUser = { userName: "LAB\\capi", password: "pässword:1" }
      const { server, settings, bodies } = yield* serveWinRm("http", {
        host: EchoHost.make().host,
        users: [domainUser]
      })
      const pipelines = 520
      const printed = yield* runPython("pypsrp/ntlm.py", { ...settings, auth: "ntlm", ...domainUser, pipelines })
      assert.deepStrictEqual(JSON.parse(printed), { same: pipelines })
      const sealed = bodies.filter((body) => body.startsWith("--Encrypted Boundary"))
      assert.isAbove(sealed.length, 1000)
      assert.isFalse(bodies.some((body) => body.includes("Envelope")))
      assert.strictEqual(yield* server.refusedLogOns, 0)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )
})
