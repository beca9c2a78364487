/** pywinrm runs command lines in cmd shells of the simulator. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { fast } from "../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../src/simulators/scvmm/Scvmm.ts"
import { describePython, runPython } from "../harness/Python.ts"
import { type Over, serveWinRm } from "../harness/ServedWinRm.ts"
import * as EchoHost from "../src/simulators/scvmm/EchoHost.ts"

/** "ps": a script by -EncodedCommand; "cmd": a command line; "utf8": that with code page 65001. */
type Run = readonly [how: "ps" | "cmd" | "utf8", ...line: ReadonlyArray<string>]

interface Seen {
  readonly out: string
  readonly err: string
  readonly code: number
}

const wires: ReadonlyArray<{ readonly name: string; readonly over: Over; readonly log: Record<string, string> }> = [
  { name: "Basic over https", over: "https", log: { transport: "basic" } },
  { name: "NTLM, sealed over http", over: "http", log: { transport: "ntlm", encryption: "always" } },
  { name: "NTLM over https, bound to the certificate", over: "Strict", log: { transport: "ntlm" } }
]

/** Side by side: foreign clients mostly wait. */
const live = (name: string, body: Effect.Effect<void, unknown, Scope.Scope>) =>
  it.live(name, () => body, { concurrent: true, timeout: 120_000 })

/** The shape is that of commands.py. */
const parse = (printed: string) => JSON.parse(printed) as ReadonlyArray<Seen>

describePython("pywinrm on the simulator", () => {
  for (const { name, over, log } of wires) {
    live(
      `gets output, exit codes and errors by ${name}`,
      Effect.gen(function* () {
        const { server, settings, bodies } = yield* serveWinRm(over, { host: EchoHost.make().host })
        const run = (...runs: ReadonlyArray<Run>) =>
          Effect.map(runPython("pywinrm/commands.py", { ...settings, ...log, runs }), parse)
        const [hello, script, text, failed, told, large, late, unknown, unread, plain] = yield* run(
          ["cmd", "powershell", "-Command", "Write-Output hellö"],
          [
            "ps",
            "$ProgressPreference = 'SilentlyContinue'\nWrite-Output 'it''s' 7 # and that is all\nWrite-Warning careful"
          ],
          ["utf8", "powershell.exe -NoProfile", '-Command "& { Write-Output straße𝄞 }"'],
          ["ps", "throw -Message 'no such template'"],
          ["ps", "Write-Error locked; Write-Output after"],
          ["utf8", "powershell -Command Get-Text -Length 1000000"],
          ["ps", "Start-Sleep -Seconds 2; Write-Output late"],
          ["cmd", "ipconfig", "/all"],
          ["ps", "Get-Process | Where-Object { $_.CPU }"],
          ["cmd", "powershell", "-Command", "throw -Message gone"]
        )
        // Of another code page than UTF-8 only ASCII is kept.
        assert.deepStrictEqual(hello, { out: "hell?\r\n", err: "", code: 0 })
        assert.deepStrictEqual(script, { out: "it's\r\n7\r\n", err: "careful", code: 0 })
        assert.deepStrictEqual(text, { out: "straße𝄞\r\n", err: "", code: 0 })
        const record = (message: string) => [
          `Start-SCVirtualMachine : ${message}`,
          "    + CategoryInfo          : LimitsExceeded: (vm-1:String) [Start-SCVirtualMachine], CarmineException",
          "    + FullyQualifiedErrorId : 2602,Start-SCVirtualMachine"
        ]
        assert.deepStrictEqual(failed, { out: "", err: record("no such template").join("\n"), code: 1 })
        assert.deepStrictEqual(told, { out: "after\r\n", err: record("locked").join("\n"), code: 0 })
        assert.strictEqual(large?.out, `${"ä€𝄞x".repeat(200_000)}\r\n`)
        assert.deepStrictEqual(late, { out: "late\r\n", err: "", code: 0 })
        assert.deepStrictEqual([unknown?.out, unknown?.code], ["", 1])
        assert.match(unknown?.err ?? "", /^'ipconfig' is not recognized/u)
        assert.include(unread?.err ?? "", `reads no "{ $_.CPU }"`)
        assert.strictEqual(unread?.code, 1)
        assert.deepStrictEqual(plain, { out: "", err: [...record("gone"), " ", ""].join("\r\n"), code: 1 })
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
      const { settings } = yield* serveWinRm("https", { host: scvmm.host })
      const missing = "33333333-3333-4333-8333-333333333333"
      const runs: ReadonlyArray<Run> = [
        ["ps", "Get-CapsVirtualMachineList -MarkerText 'no such marker'"],
        ["ps", `Get-CapsVirtualMachine -Id ${missing}`]
      ]
      const printed = yield* runPython("pywinrm/commands.py", { ...settings, transport: "basic", runs })
      const [list, none] = parse(printed)
      assert.deepStrictEqual(JSON.parse(list?.out ?? ""), { VirtualMachines: [], Missing: [] })
      assert.deepStrictEqual([none?.out, none?.code], ["", 1])
      assert.include(none?.err ?? "", "VirtualMachineNotFound")
    })
  )
})
