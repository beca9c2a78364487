/** What the simulated listener takes of each user, shell and envelope, and how it cuts what it sends. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../../layers/Dial.ts"
import { fragmentHeaderBytes } from "../../../../layers/psrp/Fragment.ts"
import { open } from "../../../../layers/psrp/RunspacePool.ts"
import { cmdResource } from "../../../../layers/wsman/SoapNames.ts"
import { connect } from "../../../../layers/wsman/Wsman.ts"
import type { Quotas } from "../../../../src/simulators/scvmm/Quotas.ts"
import { make, type Options } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { inTime, settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"
import * as RawClient from "./RawClient.ts"

const { commandId } = RawClient
const users = ["capi", "other", "third"].map((userName) => ({ userName, password: "secret" }))

const listener = (quotas: Partial<Quotas>, options: Partial<Options> = {}) =>
  Effect.gen(function* () {
    const server = yield* make({ host: EchoHost.make().host, users, quotas, ...options })
    const [client, other, third] = users.map(({ userName }) => RawClient.make(server, { userName }))
    if (client === undefined || other === undefined || third === undefined) return yield* Effect.die("three users")
    return { server, client, other, third }
  })

describe("quotas of users", () => {
  it.effect("MaxConcurrentUsers counts who has shells; others wait until one has none", () =>
    Effect.gen(function* () {
      const { client, other, third } = yield* listener({ maxConcurrentUsers: 2 })
      yield* client.create(commandId(1))
      yield* other.create(commandId(2))
      assert.strictEqual((yield* third.create(commandId(3))).fault, 0x803381ab)
      assert.strictEqual((yield* client.create(commandId(4))).fault, undefined)
      yield* other.ask({ _tag: "Delete" }, { selectors: { ShellId: commandId(2) } })
      assert.strictEqual((yield* third.create(commandId(3))).fault, undefined)
    })
  )

  it.effect("MaxShellsPerUser counts shells of PowerShell and of cmd, of each user apart", () =>
    Effect.gen(function* () {
      const { client, other } = yield* listener({ maxShellsPerUser: 2 })
      yield* client.create(commandId(1))
      yield* client.createCmd(commandId(2))
      assert.strictEqual((yield* client.create(commandId(3))).fault, 0x803381a5)
      assert.strictEqual((yield* client.createCmd(commandId(3))).fault, 0x803381a5)
      assert.strictEqual((yield* other.create(commandId(3))).fault, undefined)
    })
  )

  it.effect("MaxConcurrentOperationsPerUser counts requests that are not answered yet", () =>
    Effect.gen(function* () {
      const { client, other } = yield* listener({ maxConcurrentOperationsPerUser: 2 })
      yield* client.create()
      yield* settle
      yield* client.receive()
      const waiting = [
        yield* Effect.forkChild(client.receive(undefined, { operationTimeoutSeconds: 20 })),
        yield* Effect.forkChild(client.receive(undefined, { operationTimeoutSeconds: 20 }))
      ]
      yield* settle
      assert.strictEqual((yield* client.begin(commandId(1), "Write-Output")).fault, 0x803381a6)
      assert.strictEqual((yield* other.create(commandId(2))).fault, undefined)
      yield* TestClock.adjust("20 seconds")
      for (const fiber of waiting) assert.strictEqual((yield* Fiber.join(fiber)).fault, 0x80338029)
      assert.strictEqual((yield* client.begin(commandId(1), "Write-Output")).fault, undefined)
    })
  )
})

describe("quotas of a shell", () => {
  it.effect("count commands that were not terminated, of PowerShell and of cmd", () =>
    Effect.gen(function* () {
      const { client } = yield* listener({ maxCommandsPerShell: 1 })
      yield* client.create()
      const run = (id: string, header = {}) =>
        client.ask({ _tag: "CommandLine", commandId: id, command: "ver", arguments: [] }, header)
      assert.strictEqual((yield* client.begin(commandId(1), "Write-Output")).fault, undefined)
      assert.strictEqual((yield* client.begin(commandId(2), "Write-Output")).fault, 0x803381e9)
      assert.strictEqual((yield* run(commandId(3))).fault, 0x803381e9)
      const cmd = { resourceUri: cmdResource, selectors: { ShellId: commandId(9) } }
      yield* client.createCmd(commandId(9))
      assert.strictEqual((yield* run(commandId(4), cmd)).fault, undefined)
      yield* settle
      assert.strictEqual((yield* run(commandId(5), cmd)).fault, 0x803381e9)
      yield* client.ask({ _tag: "Signal", commandId: commandId(4), code: "…/signal/terminate" }, cmd)
      assert.strictEqual((yield* run(commandId(5), cmd)).fault, undefined)
      assert.strictEqual((yield* run(commandId(5), cmd)).fault, 0x803381d6, "of one id there is one")
      assert.strictEqual((yield* run("none", cmd)).fault, 0x803381d4, "an id is a GUID")
    })
  )

  it.effect("let no command begin in one that has used up its memory", () =>
    Effect.gen(function* () {
      const { client } = yield* listener({ maxMemoryPerShellMegabytes: 80, pipelineMegabytes: 12 })
      yield* client.create()
      const faults = []
      for (const digit of [1, 2, 3]) faults.push((yield* client.begin(commandId(digit), "Write-Output")).fault)
      assert.deepStrictEqual(faults, [undefined, undefined, 14])
    })
  )

  it.effect("cut an OperationTimeout to MaxTimeoutms", () =>
    Effect.gen(function* () {
      const { client } = yield* listener({ maxTimeoutSeconds: 30 })
      yield* client.create()
      yield* settle
      yield* client.receive()
      const waiting = yield* Effect.forkChild(client.receive(undefined, { operationTimeoutSeconds: 3600 }))
      yield* settle
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(waiting)).fault, 0x80338029)
    })
  )
})

const Kilobytes = Schema.Int.check(Schema.isBetween({ minimum: 8, maximum: 160 }))
const FragmentBytes = Schema.Int.check(Schema.isBetween({ minimum: fragmentHeaderBytes + 1, maximum: 40_000 }))

describe("an answer", () => {
  it.effect.prop(
    "is never larger than its request allows, whatever the fragments; with less than 8 KiB there is none",
    { kilobytes: Kilobytes, fragmentBytes: FragmentBytes },
    ({ kilobytes, fragmentBytes }) =>
      Effect.gen(function* () {
        const { client } = yield* listener({}, { fragmentBytes })
        yield* client.create()
        // Enough for several answers, whether of few large fragments or of many small ones.
        const length = 200 * Math.min(fragmentBytes - fragmentHeaderBytes, 300)
        yield* client.begin(commandId(1), "Get-Text", { Length: length })
        yield* settle
        const maxEnvelopeBytes = kilobytes * 1024
        for (let state: string | undefined; state !== "Done";) {
          const { bytes, received, fault } = yield* client.receive(commandId(1), { maxEnvelopeBytes })
          assert.isUndefined(fault)
          assert.isAtMost(bytes, maxEnvelopeBytes)
          assert.isAbove(received.streams.length, 0)
          ;({ state } = received)
        }
        const small = yield* client.receive(commandId(1), { maxEnvelopeBytes: 8191 })
        assert.strictEqual(small.fault, 0x8033807e)
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 30 } }
  )

  it.effect.each([fragmentHeaderBytes + 1, 100, 4096, 200_000])(
    "in fragments of %d bytes is put together",
    (fragmentBytes) =>
      Effect.gen(function* () {
        const { server } = yield* listener({}, { fragmentBytes })
        const origin = "https://exec1.example:5986"
        yield* Effect.gen(function* () {
          const wsman = yield* connect({
            endpoint: { origin },
            configurationName: "Microsoft.PowerShell",
            operationTimeoutSeconds: 20,
            credentials: { authentication: "Basic", userName: "capi", password: Redacted.make("secret") }
          })
          const pool = yield* open(wsman, { idleTimeoutSeconds: 60 })
          const { output } = yield* pool.invoke([{ name: "Get-Text", parameters: { "-Length": 5000 } }])
          assert.deepStrictEqual(output, ["ä€𝄞x".repeat(1000)])
        }).pipe(Effect.scoped, Effect.provide(Dial.layerInProcess(new Map([[origin, server.handler]]))))
      }).pipe(Effect.scoped, inTime)
  )
})
