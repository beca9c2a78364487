/** Lists of shells and of their commands, whole and page by page; what Get tells of a shell and of the listener. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { readShellPage } from "../../../../layers/wsman/SoapEnumeration.ts"
import { cmdResource, commandResource, configResource, shellResource } from "../../../../layers/wsman/SoapNames.ts"
import type { Enumerate } from "../../../../layers/wsman/SoapOperation.ts"
import { readConfig, readGotShell } from "../../../../layers/wsman/SoapResponseReader.ts"
import { descendant, elementsOf, type SoapElement, textOf } from "../../../../layers/wsman/SoapXml.ts"
import { make } from "../../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../../harness/VirtualTime.ts"
import * as EchoHost from "./EchoHost.ts"
import * as RawClient from "./RawClient.ts"

const { commandId } = RawClient
const header = { resourceUri: shellResource, selectors: {} }
const enumerate = (more: Partial<Enumerate> = {}): Enumerate => ({
  _tag: "Enumerate",
  optimize: true,
  filter: {},
  ...more
})
const megabyte = 1024 * 1024

const pageOf = ({ body }: RawClient.Asked) => Result.getOrThrow(readShellPage(body))

/** Five shells of two users, the last of cmd. */
const listener = Effect.gen(function* () {
  const server = yield* make({
    host: EchoHost.make().host,
    users: ["capi", "other"].map((userName) => ({ userName, password: "secret" })),
    quotas: { pipelineMegabytes: 10, maxEnvelopeBytes: 300 * 1024, maxTimeoutSeconds: 30 }
  })
  const client = RawClient.make(server)
  const other = RawClient.make(server, { userName: "other" })
  yield* client.create(commandId(1), { name: "caps 1" })
  yield* client.create(commandId(2), { name: "caps 2" })
  yield* other.create(commandId(3))
  yield* other.create(commandId(4))
  yield* other.createCmd(commandId(5))
  yield* settle
  return { server, client, other }
})

describe("Enumerate", () => {
  it.effect("lists all shells at once, of whomever they are, with names, owners and states", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      yield* client.ask({ _tag: "Disconnect" }, { selectors: { ShellId: commandId(2) } })
      yield* TestClock.adjust("62 seconds")
      const { shells, context, end } = pageOf(yield* client.ask(enumerate({ maxElements: 32_000 }), header))
      assert.deepStrictEqual([context, end], ["", true])
      assert.deepStrictEqual(
        shells.map(({ shellId, name, owner, state }) => [shellId, name, owner, state]),
        [
          [commandId(1), "caps 1", "capi", "Connected"],
          [commandId(2), "caps 2", "capi", "Disconnected"],
          [commandId(3), undefined, "other", "Connected"],
          [commandId(4), undefined, "other", "Connected"],
          [commandId(5), undefined, "other", undefined]
        ]
      )
      assert.deepInclude(shells[0], { runTimeSeconds: 62, inactivitySeconds: 62, memoryUsedBytes: 58 * megabyte })
      assert.deepInclude(shells[4], { resourceUri: cmdResource, outputStreams: ["stdout", "stderr"] })
    })
  )

  it.effect("hands them out page by page, by Pull", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      const first = pageOf(yield* client.ask(enumerate({ optimize: false }), header))
      assert.deepStrictEqual([first.shells, first.end], [[], false])
      const ids: Array<string> = []
      let { context } = first
      const sizes: Array<number> = []
      for (let end = false; !end;) {
        const page = pageOf(yield* client.ask({ _tag: "Pull", context, maxElements: 2 }, header))
        ids.push(...page.shells.map(({ shellId }) => shellId))
        sizes.push(page.shells.length)
        ;({ context, end } = page)
      }
      assert.deepStrictEqual(sizes, [2, 2, 1])
      assert.deepStrictEqual(ids, [1, 2, 3, 4, 5].map(commandId))
    })
  )

  it.effect("forgets a list of which nobody pulled for four minutes, and one whose page was pulled", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      const begin = Effect.map(client.ask(enumerate({ maxElements: 2 }), header), pageOf)
      const { context, shells } = yield* begin
      assert.strictEqual(shells.length, 2)
      const pull = (of: string) => Effect.map(client.ask({ _tag: "Pull", context: of }, header), ({ fault }) => fault)
      assert.strictEqual(yield* pull(context), undefined)
      assert.strictEqual(yield* pull(context), 0x80338084)
      const old = (yield* begin).context
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual(yield* pull(old), 0x80338084)
    })
  )

  it.effect("lists the commands of one shell", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      yield* client.begin(commandId(8), "Start-Sleep", { Seconds: 60 }, { pool: commandId(1) })
      yield* client.begin(commandId(9), "Write-Output", {}, { pool: commandId(1) })
      yield* settle
      const resource = { resourceUri: commandResource, selectors: {} }
      const { body } = yield* client.ask(
        enumerate({ maxElements: 9, filter: { ShellId: commandId(1).toLowerCase() } }),
        resource
      )
      const items = descendant(body, [
        [(body.children[0] as SoapElement).namespace, "EnumerateResponse"],
        ["http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", "Items"]
      ])
      const commands = items === undefined ? [] : elementsOf(items, shellResource, "Command")
      assert.deepStrictEqual(
        commands.map(({ children }) => children.map((child) => textOf(child as SoapElement))),
        [
          [commandId(8), "", "Running"],
          [commandId(9), "", "Done"]
        ]
      )
      assert.strictEqual((yield* client.ask(enumerate(), resource)).fault, 0x803381c0)
      const unknown = enumerate({ filter: { ShellId: commandId(7) } })
      assert.strictEqual((yield* client.ask(unknown, resource)).fault, 0x8033805b)
    })
  )
})

describe("Get", () => {
  it.effect("tells how the memory of a shell grows with its pipelines", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      const memory = Effect.map(
        client.ask({ _tag: "Get" }, { resourceUri: shellResource, selectors: { ShellId: commandId(1) } }),
        ({ body }) => Result.getOrThrow(readGotShell(body)).memoryUsedBytes
      )
      assert.strictEqual(yield* memory, 58 * megabyte)
      yield* client.begin(commandId(8), "Write-Output", {}, { pool: commandId(1) })
      yield* client.begin(commandId(9), "Write-Output", {}, { pool: commandId(1) })
      assert.strictEqual(yield* memory, 78 * megabyte)
    })
  )

  it.effect("tells what the listener takes", () =>
    Effect.gen(function* () {
      const { client } = yield* listener
      const { body } = yield* client.ask({ _tag: "Get" }, { resourceUri: configResource, selectors: {} })
      assert.deepStrictEqual(Result.getOrThrow(readConfig(body)), {
        maxEnvelopeKilobytes: 300,
        maxTimeoutMillis: 30_000
      })
    })
  )
})
