import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Dial from "../../../../layers/Dial.ts"
import { bag } from "../../../../layers/psrp/PsObject.ts"
import { type ProviderConnection, ScvmmSession, type Session } from "../../../../layers/scvmm/ScvmmSession.ts"
import * as WireRecorder from "../../../../layers/scvmm/WireRecorder.ts"
import type { Handler } from "../../../../schemas/http/Exchange.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import * as ReplayFile from "../../../../src/simulators/scvmm/ReplayFile.ts"
import type { PowerShellHost } from "../../../../src/simulators/scvmm/PowerShellHost.ts"
import * as ReplayServer from "../../../../src/simulators/scvmm/ReplayServer.ts"
import * as WinRmServer from "../../../../src/simulators/scvmm/WinRmServer.ts"
import * as Folder from "../../../harness/Folder.ts"
import * as Site from "../../../layers/scvmm/Site.ts"

const missing = "99999999-9999-4999-8999-999999999999"

const plan = (name: string) => ({
  Name: name,
  Marker: `capscvmm/1 ${name}`,
  MachineUid: missing,
  CommitWithinSeconds: 60,
  Cloud: "Production",
  HostGroup: "Production",
  HardwareProfile: "kubernetes-gen2",
  CPUCount: 2,
  MemoryMB: 2048,
  Disks: [{ SizeMB: 30_720, Dynamic: true, VHDisk: "ubuntu-24.04" }],
  NetworkDevices: [{ VMNetwork: "kubernetes" }],
  FibreChannel: []
})

const ended = <A, E extends { readonly _tag: string; readonly message: string }, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<unknown, never, R> =>
  Effect.map(Effect.result(effect), (result) =>
    Result.isSuccess(result) ? result.success : `${result.failure._tag}: ${result.failure.message}`
  )

/** Sealed inside http, so that the log-ons of both differ in every byte. */
const connection: ProviderConnection = { ...Site.connection, authentication: "NTLM" }

/** Reads, mutations, refusals by VMM and by our functions, a medium of many fragments. */
const inOne = (session: Session) =>
  Effect.gen(function* () {
    return [
      session.server,
      yield* ended(session.run(Verb.FindVirtualMachine, { Name: "nobody" })),
      yield* ended(session.run(Verb.NewVirtualMachine, plan("first"))),
      yield* ended(session.run(Verb.NewVirtualMachine, { ...plan("second"), Cloud: "Nowhere" })),
      yield* ended(session.run(Verb.StartVirtualMachine, { Id: missing })),
      yield* ended(
        session.run(Verb.ImportMedium, {
          FileName: "seed.iso",
          Data: new Uint8Array(400_000).fill(7),
          LibraryShare: connection.libraryShare
        })
      )
    ] as const
  })

/** Also a host that is down, and an answer of many fragments. */
const work = Effect.gen(function* () {
  const sessions = yield* ScvmmSession
  return {
    calls: yield* sessions.use(connection, inOne),
    list: yield* ended(sessions.runAll(connection, Verb.GetVirtualMachineList, { MarkerText: "capscvmm/1" })),
    hosts: yield* sessions.hosts(connection.uid)
  }
})

const record = <A, E>(
  file: string,
  site: Site.Site,
  effect: Effect.Effect<A, E, ScvmmSession>
): Effect.Effect<A, E | WireRecorder.RecordingRefused> =>
  effect.pipe(
    Effect.provide(Layer.provide(Site.sessions(site), WireRecorder.layer(file))),
    Effect.scoped,
    Site.elapse()
  )

const over = (handler: Handler) =>
  Layer.provide(
    ScvmmSession.layer,
    Dial.Dial.layerInProcess(
      new Map([
        [Site.origin(Site.exec1), handler],
        [Site.origin(Site.exec2), handler]
      ])
    )
  )

const replayed = Effect.fnUntraced(function* <A, E>(text: string, effect: Effect.Effect<A, E, ScvmmSession>) {
  const recording = yield* Effect.fromResult(ReplayFile.read(text))
  const users = [{ userName: connection.userName, password: Redacted.value(connection.password) }]
  const handler = yield* ReplayServer.make({ recording, users })
  return yield* effect.pipe(Effect.provide(over(handler)), Effect.scoped, Site.elapse())
})

/** What the simulated SCVMM answered to `effect`, as a recording. */
const recorded = Effect.fnUntraced(function* <A, E>(effect: Effect.Effect<A, E, ScvmmSession>, site?: Site.Site) {
  const file = path.join(yield* Folder.temporary("replay"), "wire.jsonl")
  const result = yield* record(file, site ?? (yield* Site.make()), effect)
  return { result, text: fs.readFileSync(file, "utf8") }
})

const list = Effect.flatMap(ScvmmSession, (sessions) =>
  ended(sessions.runAll(connection, Verb.GetVirtualMachineList, { Ids: [] }))
)
const find = Effect.flatMap(ScvmmSession, (sessions) =>
  ended(sessions.runAll(connection, Verb.FindVirtualMachine, { Name: "nobody" }))
)

describe("a recording", () => {
  it.effect("answers our client as the listener did: outputs, errors, and a host that was down", () =>
    Effect.gen(function* () {
      const site = yield* Site.make()
      site.down.add(Site.exec1)
      const { result, text } = yield* recorded(work, site)
      assert.include(JSON.stringify(result.calls[2]), '"Status":"UnderCreation"')
      assert.match(String(result.calls[3]), /ReferenceUnresolved.*Nowhere/u)
      assert.match(String(result.calls[4]), /VirtualMachineNotFound/u)
      assert.include(JSON.stringify(result.calls[5]), "seed.iso")
      assert.deepStrictEqual(
        result.hosts.map(({ ok }) => ok),
        [false, true]
      )
      const log = Site.logs()
      assert.deepStrictEqual(yield* Effect.provide(replayed(text, work), log.layer), result)
      // The list of shells that a session begins with names them as this client does.
      assert.include(text, '"operation":"Enumerate"')
      assert.notInclude(log.lines.map(({ message }) => String(message)).join("\n"), "orphaned shell deleted")
    })
  )

  it.effect("is answered to several sessions at once, each its own", () =>
    Effect.gen(function* () {
      const both = Effect.flatMap(ScvmmSession, (sessions) =>
        Effect.all(
          [1, 2].map((index) =>
            sessions.use(connection, (session) => ended(session.run(Verb.FindVirtualMachine, { Name: `vm-${index}` })))
          ),
          { concurrency: 2 }
        )
      )
      const { result, text } = yield* recorded(both)
      // One for each, and one that is left for reads.
      assert.strictEqual(text.match(/"operation":"Create"/gu)?.length, 3)
      assert.deepStrictEqual(yield* replayed(text, both), result)
    })
  )

  it.effect("of a site's own configuration tells which functions it lacks", () =>
    Effect.gen(function* () {
      const lacking: PowerShellHost = {
        open: () =>
          Effect.succeed({
            invoke: (_, streams) => streams.output(bag({ Name: "Connect-CapsServer", Definition: "source" }))
          })
      }
      const server = yield* WinRmServer.make({
        host: lacking,
        users: [{ userName: connection.userName, password: Site.password }],
        configurations: ["Own"]
      })
      const site = { ...(yield* Site.make()), hosts: { [Site.exec1]: server, [Site.exec2]: server } }
      const own = Effect.flatMap(ScvmmSession, (sessions) =>
        ended(sessions.runAll({ ...connection, configurationName: "Own" }, Verb.GetVirtualMachineList, { Ids: [] }))
      )
      const { result, text } = yield* recorded(own, site)
      assert.match(String(result), /it lacks Get-CapsVirtualMachine/u)
      assert.strictEqual(yield* replayed(text, own), result)
      const shown = [...text.matchAll(/[A-Za-z0-9+/]{40,}=*/gu)].map(([run]) => Buffer.from(run, "base64").toString())
      assert.include(shown.join(), "[String of 6 characters]")
      assert.notInclude(shown.join(), "source")
    })
  )

  it.effect("of a process that was killed is answered as far as it goes", () =>
    Effect.gen(function* () {
      const { result, text } = yield* recorded(list)
      const whole = text.slice(0, text.indexOf('"operation":"Delete"'))
      const cut = whole.slice(0, whole.lastIndexOf("\n") + 1)
      assert.deepStrictEqual(yield* replayed(cut, list), result)
    })
  )

  it.effect("that the client does not follow is a fault that names its line", () =>
    Effect.gen(function* () {
      const { text } = yield* recorded(find)
      const line =
        text.split("\n").findIndex((content) => content.includes("CreatePipeline Find-CapsVirtualMachine")) + 1
      assert.match(
        String(yield* replayed(text, list)),
        new RegExp(`line ${line} runs Find-CapsVirtualMachine, and this request Get-CapsVirtualMachineList`, "u")
      )
    })
  )

  it.effect("that has no more is a fault that says what is next", () =>
    Effect.gen(function* () {
      const { text } = yield* recorded(find)
      const twice = Effect.andThen(find, find)
      // Signals are sent beside what follows, and may be next as well.
      assert.match(
        String(yield* replayed(text, twice)),
        /the recording has no Command here; line \d+ is next: (?:Delete|Signal)/u
      )
    })
  )

  it.effect("with a refused log-on refuses it again", () =>
    Effect.gen(function* () {
      const wrong = { ...connection, password: Redacted.make("another-password") }
      const attempt = Effect.flatMap(ScvmmSession, (sessions) =>
        ended(sessions.runAll(wrong, Verb.GetVirtualMachineList, { Ids: [] }))
      )
      const { result, text } = yield* recorded(attempt)
      assert.match(String(result), /AuthenticationFailed/u)
      const right = Effect.flatMap(ScvmmSession, (sessions) =>
        ended(sessions.runAll(connection, Verb.GetVirtualMachineList, { Ids: [] }))
      )
      assert.match(String(yield* replayed(text, right)), /AuthenticationFailed/u)
    })
  )
})

describe("a file", () => {
  const opening = '{"recording":"capscvmm wire","version":1,"at":"1970-01-01T00:00:00.000Z"}\n'
  const refused = (text: string) => {
    const read = ReplayFile.read(text)
    return Result.isFailure(read) ? read.failure.message : "read"
  }

  it("that is none of ours is refused by its first line", () => {
    assert.match(refused("hello\n"), /^line 1: this is no recording/u)
    assert.match(refused(""), /^line 1: this is no recording/u)
    assert.match(refused('{"recording":"capscvmm wire","version":2,"at":""}\n'), /^line 1: .*another version/u)
    assert.match(refused('{"name":"open-close","exchanges":[]}\n'), /^line 1/u)
  })

  it("that was cut or changed is refused by the line", () => {
    assert.match(refused(`${opening}{"at":"1970`), /^line 2: the recording was cut in this line: delete it/u)
    assert.match(refused(`${opening}{"at":"1970\n`), /^line 2: not JSON/u)
    assert.match(
      refused(`${opening}{"at":"1970-01-01T00:00:00.000Z","millis":"1"}\n`),
      /^line 2: not a line of a recording/u
    )
  })

  it("without exchanges is read", () => {
    assert.strictEqual(refused(opening), "read")
  })
})
