import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as fs from "node:fs"
import * as path from "node:path"
import { splitMessage } from "../../../layers/psrp/Fragment.ts"
import { type ProviderConnection, ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as WireRecorder from "../../../layers/scvmm/WireRecorder.ts"
import { namespaces } from "../../../layers/wsman/SoapNames.ts"
import { WireTap } from "../../../layers/wsman/WireTap.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import * as ReplayFile from "../../../src/simulators/scvmm/ReplayFile.ts"
import type { SimulatedFunction } from "../../../src/simulators/scvmm/SimulatedFunction.ts"
import { functionError } from "../../../src/simulators/scvmm/VmmError.ts"
import * as Folder from "../../harness/Folder.ts"
import { found } from "../psrp/Planted.ts"
import * as Site from "./Site.ts"

const list = Effect.flatMap(ScvmmSession, (session) =>
  session.run(Site.connection, Verb.GetVirtualMachineList, { Ids: [] })
)

const nothing = { VirtualMachines: [], Missing: [] }

const recording = Effect.fnUntraced(function* <A, E>(
  file: string,
  effect: Effect.Effect<A, E, ScvmmSession>,
  options: { readonly limit?: number; readonly site?: Site.Site; readonly before?: () => void } = {}
) {
  const site = options.site ?? (yield* Site.make())
  const log = Site.logs()
  const recorder = WireRecorder.layer(file, options.limit)
  const tampered = Effect.andThen(Effect.sync(options.before ?? (() => undefined)), effect)
  const result = yield* tampered.pipe(
    Effect.provide(Layer.provide(Site.sessions(site), recorder)),
    Effect.scoped,
    Site.elapse(),
    Effect.provide(log.layer)
  )
  const told = log.lines.map(({ message }) => String(message)).filter((text) => text.includes("wire recording"))
  return { result, told }
})

const newFile = Effect.map(Folder.temporary("wire"), (folder) => path.join(folder, "wire.jsonl"))

const linesOf = (file: string) => fs.readFileSync(file, "utf8").trimEnd().split("\n")

const closingOf = (file: string): unknown => JSON.parse(linesOf(file).at(-1) ?? "{}").closed

/** The descriptor by which this process holds the file open. */
const descriptorOf = (file: string): number =>
  Number(
    fs.readdirSync("/proc/self/fd").find((name) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${name}`) === file
      } catch {
        // That of the listing itself is gone by now.
        return false
      }
    })
  )

describe("a wire recording", () => {
  it.effect("is its owner's alone, whole, and closed when the process ends", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const { result, told } = yield* recording(file, list)
      assert.deepStrictEqual(result, nothing)
      assert.deepStrictEqual(told, [])
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(closingOf(file), "the process ended")
      const exchanges = Result.getOrThrow(ReplayFile.read(fs.readFileSync(file, "utf8"))).map(
        ({ exchange }) => exchange
      )
      assert.deepStrictEqual(
        [...new Set(exchanges.map(({ host, client, status }) => `${host} ${client} ${status ?? 0}`))],
        [`${Site.origin(Site.exec1)} 1 200`]
      )
      assert.deepStrictEqual(
        exchanges.flatMap(({ messages }) => messages).filter((message) => message.startsWith("CreatePipeline")),
        [
          exchanges
            .flatMap(({ messages }) => messages)
            .find((message) => /^CreatePipeline \[our script of \d+/u.test(message)),
          "CreatePipeline Connect-CapsServer",
          "CreatePipeline Get-CapsVirtualMachineList"
        ]
      )
      assert.strictEqual(exchanges.at(-1)?.operation, "Delete")
      assert.deepStrictEqual(
        exchanges.flatMap(({ withheld = [] }) => withheld),
        []
      )
    })
  )

  it.effect("is written over nothing, and needs a place", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      fs.writeFileSync(file, "somebody's")
      const refused = (name: string) => Effect.flip(Effect.map(recording(name, list), ({ result }) => result))
      assert.include((yield* refused(file)).message, `${file} exists already: name a new file, or move that one away`)
      assert.strictEqual(fs.readFileSync(file, "utf8"), "somebody's")
      assert.match((yield* refused(path.join(file, "below"))).message, /below cannot be written: ENOTDIR/u)
    })
  )

  it.effect("ends at its limit with a line that says so, told once", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const { result, told } = yield* recording(file, list, { limit: 20_000 })
      assert.deepStrictEqual(result, nothing)
      assert.deepStrictEqual(told, ["the wire recording ended: a recording holds no more than 20000 bytes"])
      assert.isAbove(linesOf(file).length, 3)
      assert.strictEqual(closingOf(file), "a recording holds no more than 20000 bytes")
      assert.isBelow(fs.statSync(file).size, 20_200)
    })
  )

  it.effect("that cannot be written is told once, and disturbs no call", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const { result, told } = yield* recording(file, list, { before: () => fs.closeSync(descriptorOf(file)) })
      assert.deepStrictEqual(result, nothing)
      assert.strictEqual(told.length, 1)
      assert.match(told[0] ?? "", /the wire recording ended: EBADF/u)
    })
  )

  it.effect("tells of a message that was cut by the sizes of its parts", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const site = yield* Site.make()
      site.hosts[Site.exec1].disturb([
        { on: ["Send"], nth: 3, times: 1, disturbance: { _tag: "Cut", place: "before" } }
      ])
      const medium = Effect.flatMap(ScvmmSession, (session) =>
        Effect.flip(
          session.run(Site.connection, Verb.ImportMedium, {
            FileName: "seed.iso",
            Data: new Uint8Array(500_000),
            LibraryShare: Site.connection.libraryShare
          })
        )
      )
      yield* recording(file, medium, { site })
      const exchanges = Result.getOrThrow(ReplayFile.read(fs.readFileSync(file, "utf8"))).map(
        ({ exchange }) => exchange
      )
      const cut = exchanges.filter(({ withheld = [] }) => withheld.length > 0)
      assert.deepStrictEqual(
        cut.map(({ operation, unanswered, withheld }) => [operation, unanswered, withheld?.[0]?.replace(/\d+/gu, "N")]),
        [
          ["Command", undefined, "object N, fragment N: N bytes"],
          ["Send", undefined, "object N, fragment N: N bytes"],
          ["Send", "failed", "object N, fragment N: N bytes"]
        ]
      )
    })
  )

  it.effect("tells at a client's end what still waits for the rest of its message", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const [first = new Uint8Array(0)] = splitMessage(1n, new Uint8Array(90), 60)
      const client = Effect.gen(function* () {
        const tap = yield* WireTap
        const listener = yield* (
          tap?.({
            origin: "https://exec1:5986",
            credentials: { authentication: "Basic", userName: "me", password: Redacted.make("a-password") },
            scrub: undefined
          }) ?? Effect.die("nobody records")
        )
        yield* listener({
          lane: "data",
          startedAt: 0,
          millis: 1,
          request: `<s:Envelope xmlns:s="${namespaces.soap}" xmlns:rsp="${namespaces.shell}"><s:Body><rsp:Send><rsp:Stream>${Base64.encode(first)}</rsp:Stream>a-password</rsp:Send></s:Body></s:Envelope>`,
          status: undefined,
          outcome: Exit.interrupt(1)
        })
        assert.strictEqual(linesOf(file).length, 1)
      })
      yield* Effect.scoped(client).pipe(Effect.provide(WireRecorder.layer(file)))
      const [only, ...more] = Result.getOrThrow(ReplayFile.read(fs.readFileSync(file, "utf8"))).map(
        ({ exchange }) => exchange
      )
      assert.deepStrictEqual(only?.withheld, ["object 1, fragment 0: 39 bytes"])
      assert.include(only?.request, "</rsp:Stream>[redacted]</rsp:Send>")
      assert.deepStrictEqual(more, [])
    })
  )

  it.effect("holds no secret of a session, wherever it went", () =>
    Effect.gen(function* () {
      const file = yield* newFile
      const planted = {
        password: Site.password,
        environment: "environment-'&<\"-é",
        body: "function-body-1234",
        medium: "bootstrap-token-5678"
      }
      const connection: ProviderConnection = {
        ...Site.connection,
        environment: { SITE_TOKEN: Redacted.make(planted.environment) },
        extraFunctions: { Helper: Redacted.make(`'${planted.body}'`) }
      }
      const said = `Denied: ${planted.password} ${planted.environment}`
      const blabbing: SimulatedFunction = {
        name: "Find-CapsVirtualMachine",
        invoke: () =>
          Effect.fail(
            functionError("ReferenceNotFound", "Find-CapsVirtualMachine", said, {
              Field: said,
              Value: JSON.stringify({ said })
            })
          )
      }
      const medium = Buffer.from(`#cloud-config\n${`token: ${planted.medium}\n`.repeat(20_000)}`)
      const work = Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* Effect.flip(session.run(connection, Verb.FindVirtualMachine, { Name: planted.environment }))
        yield* session.run(connection, Verb.ImportMedium, {
          FileName: "seed.iso",
          Data: medium,
          LibraryShare: connection.libraryShare
        })
        yield* Effect.flip(
          session.run(
            { ...connection, uid: "other", password: Redacted.make("refused-password") },
            Verb.GetVirtualMachine,
            {
              Id: "99999999-9999-4999-8999-999999999999"
            }
          )
        )
      })
      yield* recording(file, work, { site: yield* Site.make({ functions: [blabbing] }) })
      const text = fs.readFileSync(file, "utf8")
      assert.include(text, "CreatePipeline Import-CapsMedium")
      // Variables and functions are sent by a script that could hold anything.
      assert.match(
        text,
        /"CreatePipeline \[our script of \d+ characters\]"[\s\S]*"CreatePipeline \[script of \d+ characters\]"/u
      )
      assert.include(text, '"unanswered":"failed"')
      assert.isAtLeast(text.match(/"operation":"Send"/gu)?.length ?? 0, 5)
      for (const secret of [...Object.values(planted), "refused-password"])
        assert.deepStrictEqual(found(text, secret), [])
      // What the search for secrets finds where they were not taken out: it can.
      assert.isNotEmpty(found(text, connection.userName))
      assert.isNotEmpty(found(text, "seed.iso"))
    })
  )
})
