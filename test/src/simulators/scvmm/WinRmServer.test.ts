import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../../layers/Dial.ts"
import { open } from "../../../../layers/psrp/RunspacePool.ts"
import type { Credentials } from "../../../../layers/wsman/Credentials.ts"
import { signals } from "../../../../layers/wsman/SoapNames.ts"
import { connect } from "../../../../layers/wsman/Wsman.ts"
import * as CertificateAuthority from "../../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../../src/simulators/Listener.ts"
import { make, type Options } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"

const origin = "https://exec1.example:5986"
const user = { userName: "LAB\\capi", password: "pässword:1" }
const credentials: Credentials = {
  authentication: "Basic",
  userName: user.userName,
  password: Redacted.make(user.password)
}

const simulator = (options: Partial<Options> = {}) =>
  Effect.gen(function* () {
    const echo = EchoHost.make()
    const server = yield* make({ host: echo.host, users: [user], ...options })
    const dial = Dial.layerInProcess(
      new Map([
        [origin, server.handler],
        ["http://exec1.example:5985", server.handler]
      ])
    )
    const client = (over: Partial<Parameters<typeof connect>[0]> = {}) =>
      connect({
        endpoint: { origin },
        configurationName: "Microsoft.PowerShell",
        operationTimeoutSeconds: 20,
        credentials,
        ...over
      })
    return { ...server, ...echo, dial, client }
  })

const call = (name: string, parameters: Record<string, string | number> = {}) => ({
  name,
  parameters: Object.fromEntries(Object.entries(parameters).map(([key, value]) => [`-${key}`, value]))
})

/** Lets time pass in steps that no operation timeout skips. */
const pass = (seconds: number) =>
  Effect.gen(function* () {
    for (let left = seconds; left > 0; left -= 10) {
      yield* settle
      yield* TestClock.adjust(Duration.seconds(Math.min(10, left)))
    }
    yield* settle
  })

const poolOptions = { idleTimeoutSeconds: 180, name: "caps" }

describe("WinRmServer, in process", () => {
  it.effect("opens a pool, runs pipelines with all their streams, and leaves nothing", () =>
    Effect.gen(function* () {
      const { dial, client, log, shells, exchanges, pipelines } = yield* simulator()
      yield* Effect.gen(function* () {
        const wsman = yield* client()
        const pool = yield* open(wsman, poolOptions)
        assert.strictEqual(pool.psVersion, "5.1.20348.2849")
        const result = yield* pool.invoke([
          call("Write-Output", { InputObject: "straße 𝄞 & <tag>", Second: 7 }),
          call("Write-Warning", { Message: "careful" }),
          call("Write-Error", { Message: "locked" }),
          call("Write-Progress", { PercentComplete: 40 })
        ])
        assert.strictEqual(result.state, "Completed")
        assert.deepStrictEqual(result.output, ["straße 𝄞 & <tag>", 7])
        assert.deepStrictEqual(result.warnings, ["careful"])
        assert.strictEqual(result.errors[0]?.fullyQualifiedErrorId, "2602,Start-SCVirtualMachine")
        assert.strictEqual(result.errors[0]?.message, "locked")
        assert.strictEqual(result.progress[0]?.percentComplete, 40)

        const open_ = yield* shells
        assert.strictEqual(open_.length, 1)
        assert.strictEqual(open_[0]?.shellId, pool.shellId)
        assert.strictEqual(open_[0]?.owner, user.userName)
        assert.strictEqual(open_[0]?.name, "caps")
      }).pipe(Effect.scoped, Effect.provide(dial))
      assert.deepStrictEqual(yield* shells, [])
      assert.deepStrictEqual(log, [
        `opened by ${user.userName}`,
        "Write-Output|Write-Warning|Write-Error|Write-Progress ended",
        "closed"
      ])
      assert.strictEqual(yield* pipelines, 1)
      assert.isAbove(yield* exchanges, 5)
    })
  )

  it.effect("answers a short pipeline whole by one Receive; piece by piece its client reads the same", () =>
    Effect.gen(function* () {
      const exchangesOf = (delivery: "Gathered" | "Piecewise") =>
        Effect.gen(function* () {
          const { dial, client, exchanges } = yield* simulator({ delivery })
          return yield* Effect.gen(function* () {
            const wsman = yield* client()
            const pool = yield* open(wsman, poolOptions)
            const before = yield* exchanges
            const commands = [call("Write-Output", { InputObject: "a", Second: "b" }), call("Write-Error", { M: "c" })]
            const { output, errors, state } = yield* pool.invoke(commands)
            assert.deepStrictEqual([state, output, errors[0]?.message], ["Completed", ["a", "b"], "c"])
            yield* settle
            return (yield* exchanges) - before
          }).pipe(Effect.scoped, Effect.provide(dial))
        })
      // Command, Receives, and Signal Terminate: two outputs, an error and a state are four pieces.
      assert.strictEqual(yield* exchangesOf("Gathered"), 3)
      assert.strictEqual(yield* exchangesOf("Piecewise"), 6)
    })
  )

  it.effect("ends a pipeline that throws, or whose host breaks, as Failed with its record", () =>
    Effect.gen(function* () {
      const { dial, client } = yield* simulator()
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), poolOptions)
        const thrown = yield* pool.invoke([call("throw", { Message: "no such template" })])
        assert.strictEqual(thrown.state, "Failed")
        assert.strictEqual(thrown.terminatingError?.message, "no such template")
        assert.include(thrown.terminatingError?.exceptionTypes ?? [], "Microsoft.VirtualManager.Utils.CarmineException")
        const unknown = yield* pool.invoke([call("Get-Nothing")])
        assert.strictEqual(unknown.terminatingError?.fullyQualifiedErrorId, "CommandNotFoundException")
        for (const name of ["die", "throw-secret", "Get-Secret"]) {
          const broken = yield* pool.invoke([call(name)])
          assert.strictEqual(broken.terminatingError?.fullyQualifiedErrorId, "SimulatorDefect", name)
        }
        assert.strictEqual((yield* pool.invoke([call("Write-Output", { o: "still here" })])).state, "Completed")
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("carries a megabyte each way", () =>
    Effect.gen(function* () {
      const { dial, client } = yield* simulator()
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), poolOptions)
        const result = yield* pool.invoke([call("Get-Text", { Length: 1_000_000 })])
        const [text] = result.output
        assert.isTrue(typeof text === "string" && text.length === 1_000_000)
        const back = yield* pool.invoke([call("Write-Output", { InputObject: typeof text === "string" ? text : "" })])
        assert.isTrue(back.output[0] === text)
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("answers OperationTimeout while a pipeline is silent, and the client polls on", () =>
    Effect.gen(function* () {
      const { dial, client, exchanges } = yield* simulator()
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), poolOptions)
        const before = yield* exchanges
        const fiber = yield* Effect.forkChild(pool.invoke([call("Start-Sleep", { Seconds: 90 })]))
        yield* pass(89)
        assert.isUndefined(fiber.pollUnsafe())
        assert.strictEqual((yield* exchanges) - before, 8, "Command, five Receives, and the key after three silences")
        yield* pass(1)
        assert.strictEqual((yield* Fiber.join(fiber)).state, "Completed")
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("a pipeline outlives its client, until its shell is idle for its time", () =>
    Effect.gen(function* () {
      const { dial, client, log, shells } = yield* simulator()
      const connections = yield* Scope.make()
      const wire = yield* Scope.provide(Layer.build(dial), connections)
      const incarnation = yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), { idleTimeoutSeconds: 180 })
        yield* pool.invoke([call("Start-Sleep", { Seconds: 100 })])
        return yield* Effect.never
      }).pipe(Effect.scoped, Effect.provide(wire), Effect.forkChild)
      yield* pass(12)
      assert.deepInclude((yield* shells)[0], { pipelinesRunning: 1 })
      // A crash: the connections go mute first, so that what the interruption tidies up reaches nobody.
      yield* Scope.close(connections, Exit.void)
      const interruption = yield* Effect.forkChild(Fiber.interrupt(incarnation))
      yield* pass(90)
      yield* Fiber.join(interruption)
      assert.deepStrictEqual(log, [`opened by ${user.userName}`, "Start-Sleep ended"])
      assert.strictEqual((yield* shells).length, 1)
      yield* pass(180)
      assert.deepStrictEqual(yield* shells, [])
      assert.deepStrictEqual(log.at(-1), "closed")
    })
  )

  it.effect("IdleTimeOut interrupts what still runs", () =>
    Effect.gen(function* () {
      const { dial, client, log, shells } = yield* simulator()
      yield* Effect.gen(function* () {
        const wsman = yield* client()
        const pool = yield* open(wsman, { idleTimeoutSeconds: 60 })
        const running = yield* Effect.forkChild(Effect.result(pool.invoke([call("Start-Sleep", { Seconds: 5000 })])))
        yield* pass(600)
        assert.strictEqual((yield* shells).length, 1, "a waiting Receive keeps the shell")
        yield* wsman.delete(pool.shellId)
        yield* wsman.delete(pool.shellId)
        yield* pass(1)
        const result = yield* Fiber.join(running)
        assert.strictEqual(result._tag, "Failure")
        assert.deepStrictEqual(log.slice(1), ["Start-Sleep Interrupt", "closed"])
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("interrupting a call stops its pipeline, and the pool goes on", () =>
    Effect.gen(function* () {
      const { dial, client, log, shells } = yield* simulator()
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), poolOptions)
        const running = yield* Effect.forkChild(pool.invoke([call("Start-Sleep", { Seconds: 500 })]))
        yield* pass(30)
        yield* Fiber.interrupt(running)
        assert.strictEqual(log.at(-1), "Start-Sleep Interrupt")
        const after = yield* pool.invoke([call("Write-Output", { o: 1 })])
        assert.deepStrictEqual(after.output, [1])
        yield* pass(1)
        assert.deepInclude((yield* shells)[0], { pipelinesRunning: 0, pipelinesHeld: 0 })
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("signals and receives of ids that are unknown fault with 8033805B", () =>
    Effect.gen(function* () {
      const { dial, client } = yield* simulator()
      yield* Effect.gen(function* () {
        const wsman = yield* client()
        const pool = yield* open(wsman, poolOptions)
        const unknown = "11111111-2222-4333-8444-555555555555"
        const answers = [
          yield* Effect.flip(wsman.signal(pool.shellId, unknown, signals.stop)),
          yield* Effect.flip(wsman.receive(pool.shellId, unknown)),
          yield* Effect.flip(wsman.receive(unknown)),
          yield* Effect.flip(wsman.command(unknown, unknown, new Uint8Array([1])))
        ]
        for (const answer of answers)
          assert.deepInclude(answer, {
            _tag: "WsmanFault",
            code: 0x8033805b,
            classification: "invalidSelectors",
            sent: false
          })
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("keeps its quotas: shells of a user, commands of a shell that were not terminated", () =>
    Effect.gen(function* () {
      const { dial, client } = yield* simulator({ quotas: { maxShellsPerUser: 1, maxCommandsPerShell: 2 } })
      yield* Effect.gen(function* () {
        const wsman = yield* client()
        const pool = yield* open(wsman, poolOptions)
        const refused = yield* Effect.flip(Effect.scoped(open(wsman, poolOptions)))
        assert.deepInclude(refused, { _tag: "WsmanFault", code: 2150859173, classification: "quota" })
        for (let at = 0; at < 5; at++) yield* pool.invoke([call("Write-Output", { o: at })])
        const garbage = new Uint8Array(4)
        const ids = ["1", "2", "3"].map((digit) => `${digit.repeat(8)}-2222-4333-8444-555555555555`)
        const tags: Array<string> = []
        for (const id of ids) tags.push((yield* Effect.result(wsman.command(pool.shellId, id, garbage)))._tag)
        assert.deepStrictEqual(tags, ["Success", "Success", "Failure"])
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("refuses wrong passwords, missing rights, unknown configurations and Basic in the clear", () =>
    Effect.gen(function* () {
      const guest = { userName: "guest", password: "x", remoteAccess: false }
      const { dial, client, refusedLogOns, exchanges } = yield* simulator({ users: [user, guest] })
      const attempt = (over: Parameters<typeof client>[0]) =>
        Effect.flatMap(client(over), (wsman) => Effect.flip(Effect.scoped(open(wsman, poolOptions)))).pipe(
          Effect.scoped,
          Effect.provide(dial)
        )
      const wrong = yield* attempt({ credentials: { ...credentials, password: Redacted.make("no") } })
      assert.deepInclude(wrong, { _tag: "WsmanAuthenticationFailed", sent: false })
      assert.strictEqual(yield* refusedLogOns, 1)
      const denied = yield* attempt({
        credentials: { authentication: "Basic", userName: "GUEST", password: Redacted.make("x") }
      })
      assert.deepInclude(denied, { _tag: "WsmanAccessDenied", sent: false })
      const unknown = yield* attempt({ configurationName: "Caps.Jea" })
      assert.deepInclude(unknown, { _tag: "WsmanFault", code: 2150858811, classification: "invalidRequest" })
      const before = yield* exchanges
      const clear = yield* attempt({ endpoint: { origin: "http://exec1.example:5985" } })
      assert.deepInclude(clear, { _tag: "WsmanAuthenticationUnsupported", field: "transport.authentication" })
      assert.strictEqual(yield* exchanges, before, "nothing was sent")
      const nobody = yield* attempt({ endpoint: { origin: "https://exec2.example:5986" } })
      assert.deepInclude(nobody, { _tag: "WsmanUnavailable", kind: "refused", sent: false })
    })
  )

  it.effect("a shell belongs to the user that made it", () =>
    Effect.gen(function* () {
      const other = { userName: "other", password: "y" }
      const { dial, client } = yield* simulator({ users: [user, other] })
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(), poolOptions)
        const stranger = yield* client({
          credentials: { authentication: "Basic", userName: "other", password: Redacted.make("y") }
        })
        assert.strictEqual((yield* Effect.flip(stranger.delete(pool.shellId)))._tag, "WsmanAccessDenied")
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )

  it.effect("never waits longer than its operation timeout and a little more, twice for a Receive", () =>
    Effect.gen(function* () {
      const dial = Dial.layerInProcess(new Map([[origin, () => Effect.never]]))
      yield* Effect.gen(function* () {
        const wsman = yield* connect({
          endpoint: { origin },
          configurationName: "Microsoft.PowerShell",
          operationTimeoutSeconds: 20,
          credentials
        })
        const fiber = yield* Effect.forkChild(Effect.flip(wsman.receive("x")))
        const asked = yield* Effect.forkChild(Effect.flip(wsman.get("x")))
        yield* pass(24)
        assert.isUndefined(asked.pollUnsafe())
        yield* pass(1)
        assert.deepInclude(yield* Fiber.join(asked), { _tag: "WsmanUnavailable", kind: "timeout", sent: true })
        yield* pass(24)
        assert.isUndefined(fiber.pollUnsafe())
        yield* pass(1)
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "WsmanUnavailable", kind: "timeout", sent: true })
      }).pipe(Effect.scoped, Effect.provide(dial))
    })
  )
})

describe("WinRmServer, over TLS sockets", () => {
  it.live("serves a pool over https with its own authority; another authority is refused before anything is sent", () =>
    Effect.gen(function* () {
      const authority = yield* CertificateAuthority.make("simulators")
      const other = yield* CertificateAuthority.make("others")
      const echo = EchoHost.make()
      const server = yield* make({ host: echo.host, users: [user] })
      const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
      const listener = yield* Listener.listen({ handler: server.handler, tls })
      const client = (ca: string) =>
        connect({
          endpoint: { origin: listener.origin, tls: { ca } },
          configurationName: "Microsoft.PowerShell",
          operationTimeoutSeconds: 20,
          credentials
        })
      yield* Effect.gen(function* () {
        const pool = yield* open(yield* client(authority.ca), poolOptions)
        const result = yield* pool.invoke([call("Get-Text", { Length: 300_000 })])
        assert.isTrue(typeof result.output[0] === "string" && result.output[0].length === 300_000)
        assert.isAtMost(yield* listener.connections, 2, "a data lane and a control lane")

        const refused = yield* Effect.flip((yield* client(other.ca)).delete("x"))
        assert.deepInclude(refused, { _tag: "WsmanUnavailable", kind: "tls", sent: false })
      }).pipe(Effect.scoped, Effect.provide(Dial.layerUndici))
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.live("tells another web server from WinRM", () =>
    Effect.gen(function* () {
      const authority = yield* CertificateAuthority.make("simulators")
      const tls = yield* authority.issue({ commonName: "exec1", usage: "server" })
      const listener = yield* Listener.listen({
        tls,
        handler: () =>
          Effect.succeed({ status: 200, headers: { "content-type": "text/html" }, body: new Uint8Array([60]) })
      })
      const wsman = yield* connect({
        endpoint: { origin: listener.origin, tls: { ca: authority.ca } },
        configurationName: "Microsoft.PowerShell",
        operationTimeoutSeconds: 20,
        credentials
      }).pipe(Effect.provide(Dial.layerUndici))
      const error = yield* Effect.flip(wsman.delete("x"))
      assert.deepInclude(error, { _tag: "WsmanUnavailable", kind: "notWinRM", sent: true })
    })
  )
})
