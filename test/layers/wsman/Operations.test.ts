import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Dial } from "../../../layers/Dial.ts"
import { sessionCapability, initRunspacePool, ourCapability } from "../../../layers/psrp/RunspacePoolMessage.ts"
import { createPipeline } from "../../../layers/psrp/CreatePipeline.ts"
import { concatBytes, splitMessage } from "../../../layers/psrp/Fragment.ts"
import { emptyGuid, encodeMessage, type MessageBody } from "../../../layers/psrp/Message.ts"
import { signals } from "../../../layers/wsman/SoapNames.ts"
import type { Operation } from "../../../layers/wsman/SoapOperation.ts"
import { readRequest } from "../../../layers/wsman/SoapRequestReader.ts"
import { type Answer, writeResponse } from "../../../layers/wsman/SoapResponse.ts"
import { connect, type Wsman } from "../../../layers/wsman/Wsman.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { connectOptions, listen, origin } from "./SimulatedListener.ts"

const first = "00000000-0000-4000-8000-00000000000A"
const second = "00000000-0000-4000-8000-00000000000B"
const commandId = "00000000-0000-4000-8000-0000000000C1"

let objectId = 0n
const fragments = (shellId: string, pipelineId: string, ...bodies: ReadonlyArray<MessageBody>): Uint8Array =>
  concatBytes(
    bodies.flatMap((body) =>
      splitMessage(
        ++objectId,
        encodeMessage({ destination: "server", runspacePoolId: shellId, pipelineId, ...body }),
        100_000
      )
    )
  )

const create = (wsman: Wsman, shellId: string, name: string) =>
  wsman.create({
    shellId,
    name,
    idleTimeoutSeconds: 180,
    creationXml: fragments(
      shellId,
      emptyGuid,
      sessionCapability(ourCapability),
      initRunspacePool({ minRunspaces: 1, maxRunspaces: 1 })
    )
  })

const pipeline = (shellId: string) =>
  fragments(
    shellId,
    commandId.toLowerCase(),
    createPipeline({ statements: [[{ name: "Write-Output", isScript: false, parameters: [] }]], noInput: true })
  )

/** A listener that answers each operation as it is told. */
const answering = (answer: (operation: Operation) => Answer) => {
  const handler: Handler = (request) =>
    Effect.gen(function* () {
      const read = yield* readRequest(new TextDecoder().decode(request.body))
      const [relatesTo, told] =
        "operation" in read ? [read.header.messageId, answer(read.operation)] : ["", answer({ _tag: "Get" })]
      return {
        status: told._tag === "Fault" ? 500 : 200,
        headers: { "content-type": "application/soap+xml;charset=UTF-8" },
        body: new TextEncoder().encode(writeResponse({ messageId: "uuid:1", relatesTo }, told))
      }
    }).pipe(Effect.orDie)
  return Effect.flatMap(Layer.build(Dial.layerInProcess(new Map([[origin, handler]]))), (dial) =>
    Effect.provideContext(connect(connectOptions), dial)
  )
}

describe("operations on shells", () => {
  it.effect("a shell's state, with what its process takes; one that does not exist is a fault", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      const shell = yield* wsman.get(first)
      assert.deepInclude(shell, { shellId: first, name: "caps", owner: "LAB\\capi", state: "Connected" })
      assert.isAbove(shell.memoryUsedBytes ?? 0, 1024 * 1024)
      const error = yield* Effect.flip(wsman.get(second))
      assert.deepInclude(error, { _tag: "WsmanFault", classification: "invalidSelectors", sent: false })
    }).pipe(Effect.scoped)
  )

  it.effect("lists all shells of the listener", () =>
    Effect.gen(function* () {
      const wsman = yield* (yield* listen()).client
      assert.deepStrictEqual(yield* wsman.shells, [])
      yield* create(wsman, first, "one")
      yield* create(wsman, second, "two")
      const shells = yield* wsman.shells
      assert.sameDeepMembers(
        shells.map(({ shellId, name }) => [shellId, name]),
        [
          [first, "one"],
          [second, "two"]
        ]
      )
    }).pipe(Effect.scoped)
  )

  it.effect("pulls until the list ends, in the order of its pages; a list that does not end is a broken protocol", () =>
    Effect.gen(function* () {
      const page = (number: number, end: boolean) => ({
        items: [{ shellId: `S${number}`, inputStreams: [], outputStreams: [] }],
        context: String(number),
        end
      })
      const asked: Array<string> = []
      const paging = (pages: number) =>
        answering((operation) => {
          asked.push(operation._tag)
          if (operation._tag !== "Pull") return { _tag: "Enumerated", page: page(1, pages === 1) }
          const next = Number(operation.context) + 1
          return { _tag: "Pulled", page: page(next, next === pages) }
        })
      const shells = yield* (yield* paging(3)).shells
      assert.deepStrictEqual(
        shells.map(({ shellId }) => shellId),
        ["S1", "S2", "S3"]
      )
      assert.deepStrictEqual(asked, ["Enumerate", "Pull", "Pull"])
      const endless = yield* Effect.flip((yield* paging(Infinity)).shells)
      assert.strictEqual(endless._tag, "WsmanProtocol")
      assert.strictEqual(asked.length, 3 + 100)
    }).pipe(Effect.scoped)
  )

  it.effect("disconnects a shell and reconnects it", () =>
    Effect.gen(function* () {
      const wsman = yield* (yield* listen()).client
      yield* create(wsman, first, "caps")
      yield* wsman.disconnect(first)
      assert.strictEqual((yield* wsman.get(first)).state, "Disconnected")
      yield* wsman.reconnect(first)
      assert.strictEqual((yield* wsman.get(first)).state, "Connected")
    }).pipe(Effect.scoped)
  )

  it.effect("another client may not reconnect it", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.disconnect(first)
      const other = yield* listener.client
      assert.strictEqual((yield* Effect.flip(other.reconnect(first)))._tag, "WsmanFault")
      assert.strictEqual((yield* wsman.get(first)).state, "Disconnected")
    }).pipe(Effect.scoped)
  )

  it.effect("a Receive and a Command of a shell that was disconnected reconnect it, and are carried out once", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.disconnect(first)
      const before = listener.actions().length
      assert.isAbove((yield* wsman.receive(first)).streams.length, 0)
      assert.deepStrictEqual(listener.actions().slice(before), ["Receive", "Get", "Reconnect", "Receive"])
      yield* wsman.disconnect(first)
      yield* wsman.command(first, commandId, pipeline(first))
      assert.strictEqual(yield* listener.pipelines, 1)
    }).pipe(Effect.scoped)
  )

  it.effect(
    "what does no harm twice is sent again after each of three cuts, with a pause that grows; not after a fourth",
    () =>
      Effect.gen(function* () {
        const listener = yield* listen()
        const wsman = yield* listener.client
        yield* create(wsman, first, "caps")
        const cut = (times: number) =>
          listener.disturb([{ on: ["Get"], times, disturbance: { _tag: "Cut", place: "after" } }])
        cut(3)
        const began = yield* Clock.currentTimeMillis
        assert.strictEqual((yield* wsman.get(first)).state, "Connected")
        assert.strictEqual((yield* Clock.currentTimeMillis) - began, 3000)
        assert.strictEqual(new Set(listener.seen.slice(-4).map(({ messageId }) => messageId)).size, 1)
        cut(4)
        assert.deepInclude(yield* Effect.flip(wsman.get(first)), { _tag: "WsmanUnavailable", kind: "reset" })
      }).pipe(Effect.scoped, inTime)
  )

  it.effect("a Receive tells that an answer was lost, also when the next one is a time-out", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.receive(first)
      listener.disturb([{ on: ["Receive"], times: 1, disturbance: { _tag: "Cut", place: "before" } }])
      assert.deepStrictEqual(yield* wsman.receive(first), { streams: [], repeated: true })
      assert.deepStrictEqual(yield* wsman.receive(first), { streams: [], repeated: false })
    }).pipe(Effect.scoped, inTime)
  )

  it.effect.each(["before", "after", "within"] as const)("a Command that was cut %s is never sent again", (place) =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      listener.disturb([{ on: ["Command"], times: 1, disturbance: { _tag: "Cut", place } }])
      const error = yield* Effect.flip(wsman.command(first, commandId, pipeline(first)))
      assert.isTrue(error.sent)
      assert.strictEqual(listener.actions().filter((action) => action === "Command").length, 1)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("a shell that is gone meanwhile counts as deleted; to delete it twice is no error", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      listener.disturb([{ on: ["Delete"], times: 1, disturbance: { _tag: "Cut", place: "after" } }])
      yield* wsman.delete(first)
      assert.deepStrictEqual(yield* listener.shells, [])
      yield* wsman.delete(first)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("a command that is gone meanwhile counts as terminated, but not as stopped", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.command(first, commandId, pipeline(first))
      listener.disturb([{ on: ["Signal"], times: 1, disturbance: { _tag: "Cut", place: "after" } }])
      yield* wsman.signal(first, commandId, signals.terminate)
      const [shell] = yield* listener.shells
      assert.strictEqual(shell?.pipelinesHeld, 0)
      const error = yield* Effect.flip(wsman.signal(first, commandId, signals.stop))
      assert.deepInclude(error, { _tag: "WsmanFault", classification: "invalidSelectors" })
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("a Reconnect is sent again where its answer was lost, and one of a connected shell is none", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.disconnect(first)
      listener.disturb([
        { on: ["Reconnect"], times: 1, disturbance: { _tag: "Cut", place: "after" } },
        {
          on: ["Reconnect"],
          disturbance: { _tag: "Fault", code: 0x803381d0, subcode: "InvalidParameter", text: "connected" }
        }
      ])
      yield* wsman.reconnect(first)
      assert.strictEqual(listener.actions().filter((action) => action === "Reconnect").length, 2)
    }).pipe(Effect.scoped, inTime)
  )

  it.effect("a Signal reaches a shell that was put aside", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      yield* wsman.command(first, commandId, pipeline(first))
      yield* wsman.disconnect(first)
      yield* wsman.signal(first, commandId, signals.terminate)
      const [shell] = yield* listener.shells
      assert.deepInclude(shell, { pipelinesHeld: 0, state: "Connected" })
    }).pipe(Effect.scoped)
  )

  it.effect("an answer that was too large says nothing of what was done", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      const disturbance = { _tag: "Fault", code: 0x80338048, subcode: "EncodingLimit", text: "too large" } as const
      listener.disturb([{ on: ["Command"], disturbance }])
      const error = yield* Effect.flip(wsman.command(first, commandId, pipeline(first)))
      assert.deepInclude(error, { _tag: "WsmanFault", classification: "unknown", sent: true })
    }).pipe(Effect.scoped)
  )

  it.effect("HTTP 413 and the fault for it are the same error, and say that nothing was done", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      for (const disturbance of [
        { _tag: "Answer", status: 413, contentType: "", body: "", carriedOut: false },
        { _tag: "Fault", subcode: "EncodingLimit", text: "too large" }
      ] as const) {
        listener.disturb([{ on: ["Send"], times: 1, disturbance }])
        const error = yield* Effect.flip(wsman.send(first, "stdin", new Uint8Array(10)))
        assert.deepInclude(error, { _tag: "WsmanFault", classification: "envelopeTooLarge", sent: false })
      }
    }).pipe(Effect.scoped)
  )

  it.effect("envelopes grow, and shrink for good when one was refused", () =>
    Effect.gen(function* () {
      const listener = yield* listen()
      const wsman = yield* listener.client
      yield* create(wsman, first, "caps")
      const small = wsman.maxFragmentBytes
      yield* wsman.enlarge
      const large = wsman.maxFragmentBytes
      assert.isAbove(small, 110_000)
      assert.isAbove(large, 375_000)
      listener.disturb([
        { on: ["Send"], times: 1, disturbance: { _tag: "Fault", subcode: "EncodingLimit", text: "too large" } }
      ])
      yield* Effect.flip(wsman.send(first, "stdin", new Uint8Array(10)))
      assert.strictEqual(wsman.maxFragmentBytes, small)
      yield* wsman.enlarge
      assert.strictEqual(wsman.maxFragmentBytes, small)
    }).pipe(Effect.scoped)
  )
})
