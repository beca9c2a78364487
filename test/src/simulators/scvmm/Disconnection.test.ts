/** Shells without their client: disconnected by it or for idleness, reconnected, connected by another. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { type MessageBody, MessageType } from "../../../../layers/psrp/Message.ts"
import { endOfPipelineInput, pipelineInput } from "../../../../layers/psrp/PipelineMessage.ts"
import { bag, property } from "../../../../layers/psrp/PsObject.ts"
import { ourCapability, sessionCapability } from "../../../../layers/psrp/RunspacePoolMessage.ts"
import { cmdResource, shellResource, signals } from "../../../../layers/wsman/SoapNames.ts"
import { readConnected, readGotShell } from "../../../../layers/wsman/SoapResponseReader.ts"
import type { Quotas } from "../../../../src/simulators/scvmm/Quotas.ts"
import { make } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"
import * as RawClient from "./RawClient.ts"

const disconnected = 0x803381c4
const { commandId, shellId } = RawClient

const listener = (quotas: Partial<Quotas> = {}) =>
  Effect.gen(function* () {
    const echo = EchoHost.make()
    const server = yield* make({ host: echo.host, users: [{ userName: "capi", password: "secret" }], quotas })
    const client = RawClient.make(server)
    yield* client.create(shellId, { idleTimeoutSeconds: 180 })
    yield* settle
    const state = Effect.map(client.ask({ _tag: "Get" }, { resourceUri: shellResource }), ({ body, fault }) =>
      fault === undefined ? Result.getOrThrow(readGotShell(body)).state : fault
    )
    return { ...echo, server, client, other: RawClient.make(server, { sessionId: "uuid:B" }), state }
  })

const pass = (seconds: number) => Effect.andThen(TestClock.adjust(`${seconds} seconds`), settle)

const connectXml = (pool: string) =>
  RawClient.toPool(pool, sessionCapability(ourCapability), { type: MessageType.ConnectRunspacePool, data: bag({}) })

const outputs = ({ received }: { readonly received: Parameters<typeof RawClient.messagesIn>[0] }) =>
  RawClient.messagesIn(received).flatMap(({ type, data }) => (type === MessageType.PipelineOutput ? [data] : []))

describe("a shell that its client disconnects", () => {
  it.effect("is there, takes nothing but Reconnect, and has what its pipelines said meanwhile", () =>
    Effect.gen(function* () {
      const { client, state, log } = yield* listener()
      yield* client.receive()
      yield* client.begin(commandId(1), "Start-Sleep", { Seconds: 5 })
      yield* client.begin(commandId(2), "Write-Output", { InputObject: "early" })
      const waiting = yield* Effect.forkChild(client.receive(commandId(1)))
      yield* settle
      assert.strictEqual((yield* client.ask({ _tag: "Disconnect" })).fault, undefined)
      assert.strictEqual((yield* Fiber.join(waiting)).fault, disconnected, "a Receive that waits ends at once")
      assert.strictEqual(yield* state, "Disconnected")
      const refused = [
        yield* client.receive(commandId(2)),
        yield* client.begin(commandId(3), "Write-Output"),
        yield* client.ask({ _tag: "Send", streams: [] }),
        yield* client.ask({ _tag: "Signal", commandId: commandId(2), code: signals.terminate })
      ]
      assert.deepStrictEqual(new Set(refused.map(({ fault }) => fault)), new Set([disconnected]))
      assert.strictEqual((yield* client.ask({ _tag: "Disconnect" })).fault, 0x803381cf)
      yield* pass(10)
      assert.include(log, "Start-Sleep ended")
      assert.strictEqual((yield* client.ask({ _tag: "Reconnect" })).fault, undefined)
      assert.strictEqual(yield* state, "Connected")
      assert.deepStrictEqual(outputs(yield* client.receive(commandId(2))), ["early"])
      assert.strictEqual((yield* client.receive(commandId(1))).received.state, "Done")
    })
  )

  it.effect("ends by its IdleTimeOut, or by Delete", () =>
    Effect.gen(function* () {
      const { client, state, server, log } = yield* listener()
      yield* client.ask({ _tag: "Disconnect" })
      yield* pass(179)
      assert.strictEqual(yield* state, "Disconnected")
      yield* pass(1)
      assert.strictEqual(yield* state, 0x8033805b)
      assert.strictEqual(log.at(-1), "closed")
      yield* client.create()
      yield* client.ask({ _tag: "Disconnect" })
      assert.strictEqual((yield* client.ask({ _tag: "Delete" })).fault, undefined)
      assert.deepStrictEqual(yield* server.shells, [])
    })
  )

  it.effect("can be taken over by another client, with its commands, and then is no longer the first one's", () =>
    Effect.gen(function* () {
      const { client, other, state } = yield* listener()
      yield* client.receive()
      yield* client.begin(commandId(1), "Write-Output", { InputObject: "kept" })
      const connect = other.ask({ _tag: "Connect", connectXml: connectXml(shellId) })
      assert.strictEqual((yield* connect).fault, 0x803381cd, "it is the first one's still")
      assert.strictEqual((yield* other.ask({ _tag: "Reconnect" })).fault, 0x803381c6)
      yield* client.ask({ _tag: "Disconnect" })
      const { fault, body } = yield* connect
      assert.strictEqual(fault, undefined)
      assert.strictEqual(yield* state, "Connected")
      const { connectResponseXml = new Uint8Array(0), inputStreams } = Result.getOrThrow(readConnected(body))
      assert.deepStrictEqual(inputStreams, ["stdin", "pr"])
      const told = RawClient.messagesIn({ streams: [{ name: "stdout", data: connectResponseXml }] })
      assert.deepStrictEqual(
        told.map(({ type }) => type),
        [MessageType.SessionCapability, MessageType.RunspacePoolInitData]
      )
      assert.strictEqual(property(told[1]?.data, "MaxRunspaces"), 9)
      assert.deepStrictEqual(
        RawClient.messagesIn((yield* other.receive()).received).map(({ type }) => type),
        [MessageType.ApplicationPrivateData]
      )
      assert.strictEqual((yield* other.ask({ _tag: "Connect", commandId: commandId(1) })).fault, undefined)
      assert.strictEqual((yield* other.ask({ _tag: "Connect", commandId: commandId(2) })).fault, 0x8033805b)
      assert.deepStrictEqual(outputs(yield* other.receive(commandId(1))), ["kept"])
      assert.strictEqual((yield* client.ask({ _tag: "Reconnect" })).fault, 0x803381c6)
    })
  )

  it.effect("reads on from whoever has taken it over, who numbers anew", () =>
    Effect.gen(function* () {
      const { client, other } = yield* listener()
      const id = commandId(1)
      yield* client.begin(id, "Get-Input", {}, { noInput: false })
      const send = (from: typeof client, objectId: bigint, body: MessageBody) =>
        from.ask({
          _tag: "Send",
          streams: [{ name: "stdin", commandId: id, data: RawClient.toPipeline(id, objectId, body) }]
        })
      yield* send(client, 10n, pipelineInput("first"))
      yield* client.ask({ _tag: "Disconnect" })
      yield* other.ask({ _tag: "Connect", connectXml: connectXml(shellId) })
      yield* send(other, 9n, pipelineInput("second"))
      yield* send(other, 10n, endOfPipelineInput)
      yield* settle
      assert.deepStrictEqual(outputs(yield* other.receive(id)), ["first", "second"])
    })
  )

  it.effect("is none of cmd: that has no such thing", () =>
    Effect.gen(function* () {
      const { client } = yield* listener()
      const header = { resourceUri: cmdResource, selectors: { ShellId: commandId(7) } }
      yield* client.createCmd(commandId(7))
      const faults = [
        yield* client.ask({ _tag: "Disconnect" }, header),
        yield* client.ask({ _tag: "Reconnect" }, header),
        yield* client.ask({ _tag: "Connect", connectXml: connectXml(commandId(7)) }, header)
      ].map(({ fault }) => fault)
      assert.deepStrictEqual(faults, [0x803381c5, 0x803381c5, 0x803381c5])
    })
  )
})

describe("a shell of which nothing is asked", () => {
  it.effect("is disconnected after the listener's time, again and again, unless a Receive waits", () =>
    Effect.gen(function* () {
      const { client, state } = yield* listener({ disconnectIdleSeconds: 60 })
      yield* client.receive()
      yield* pass(59)
      assert.strictEqual(yield* state, "Connected")
      yield* pass(1)
      assert.strictEqual(yield* state, "Disconnected")
      assert.strictEqual((yield* client.begin(commandId(1), "Write-Output")).fault, disconnected)
      yield* pass(10)
      yield* client.ask({ _tag: "Reconnect" })
      yield* pass(59)
      assert.strictEqual(yield* state, "Connected")
      yield* pass(1)
      assert.strictEqual(yield* state, "Disconnected")
      yield* client.ask({ _tag: "Reconnect" })
      for (let minute = 0; minute < 10; minute++) {
        const waiting = yield* Effect.forkChild(client.receive(undefined, { operationTimeoutSeconds: 60 }))
        yield* settle
        yield* pass(60)
        assert.strictEqual((yield* Fiber.join(waiting)).fault, 0x80338029)
        assert.strictEqual(yield* state, "Connected")
      }
    })
  )
})
