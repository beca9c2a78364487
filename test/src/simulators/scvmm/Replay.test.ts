import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Dial from "../../../../layers/Dial.ts"
import { ScvmmSession, type Session } from "../../../../layers/scvmm/ScvmmSession.ts"
import * as WireRecorder from "../../../../layers/scvmm/WireRecorder.ts"
import type { Handler } from "../../../../schemas/http/Exchange.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import * as ReplayFile from "../../../../src/simulators/scvmm/ReplayFile.ts"
import * as ReplayServer from "../../../../src/simulators/scvmm/ReplayServer.ts"
import * as Folder from "../../../harness/Folder.ts"
import * as Site from "../../../layers/scvmm/Site.ts"

const missing = "99999999-9999-4999-8999-999999999999"

const plan = (marker: string) => ({
  Name: "replayed",
  Marker: marker,
  MachineUid: missing,
  CommitWithinSeconds: 60,
  HardwareProfile: "Linux",
  CPUCount: 2,
  Disks: [{ SizeMB: 1024, Dynamic: true }],
  NetworkDevices: [],
  FibreChannel: []
})

const ended = <A, E extends { readonly _tag: string; readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.result(effect), (result) =>
    Result.isSuccess(result) ? result.success : `${result.failure._tag}: ${result.failure.message}`
  )

/** Reads, a mutation, refusals by VMM and by our functions, a medium of many fragments, and a host that is down. */
const work = Effect.gen(function* () {
  const sessions = yield* ScvmmSession
  const inOne = (session: Session) =>
    Effect.gen(function* () {
      return [
        session.server,
        yield* ended(session.run(Verb.FindVirtualMachine, { Name: "nobody" })),
        yield* ended(session.run(Verb.GetVirtualMachine, { Id: missing })),
        yield* ended(session.run(Verb.NewVirtualMachine, plan("capscvmm/1 a"))),
        yield* ended(session.run(Verb.StartVirtualMachine, { Id: missing })),
        yield* ended(
          session.run(Verb.ImportMedium, {
            FileName: "seed.iso",
            Data: new Uint8Array(400_000).fill(7),
            LibraryShare: Site.connection.libraryShare
          })
        )
      ]
    })
  return [
    yield* sessions.use(Site.connection, inOne),
    yield* ended(sessions.runAll(Site.connection, Verb.GetVirtualMachineList, { MarkerText: "capscvmm/1" })),
    yield* sessions.hosts(Site.connection.uid)
  ]
})

const record = (file: string, site: Site.Site) =>
  work.pipe(Effect.provide(Layer.provide(Site.sessions(site), WireRecorder.layer(file))), Effect.scoped, Site.elapse())

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

const users = [{ userName: Site.connection.userName, password: Redacted.value(Site.connection.password) }]

const recordingOf = (file: string) => Effect.fromResult(ReplayFile.read(fs.readFileSync(file, "utf8")))

describe("a recording", () => {
  it.effect("answers our client as the listener did: outputs, errors, and a host that was down", () =>
    Effect.gen(function* () {
      const file = path.join(yield* Folder.temporary("replay-"), "wire.jsonl")
      const site = yield* Site.make()
      site.down.add(Site.exec1)
      const before = yield* record(file, site)
      assert.deepInclude(before, [
        { host: Site.exec1, ok: false, message: (before[2] as ReadonlyArray<{ message?: string }>)[0]?.message },
        { host: Site.exec2, ok: true }
      ])
      const recording = yield* recordingOf(file)
      const handler = yield* ReplayServer.make({ recording, users })
      const after = yield* work.pipe(Effect.provide(over(handler)), Effect.scoped, Site.elapse())
      assert.deepStrictEqual(after, before)
    })
  )
})
