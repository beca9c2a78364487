/** Session configurations of a site's own, with the module in them, or less. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Dial } from "../../../layers/Dial.ts"
import { bag } from "../../../layers/psrp/PsObject.ts"
import { moduleVersion, verbs } from "../../../layers/scvmm/Catalogue.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as SiteModule from "../../../layers/scvmm/SiteModule.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { Command, PowerShellHost, Streams } from "../../../src/simulators/scvmm/PowerShellHost.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import * as Site from "./Site.ts"

const everything = verbs.map(({ name }) => name)
const configurationName = "Capscvmm"

/** A configuration with this module: it takes no script, and shows these functions. */
const restricted = (options: { readonly functions: ReadonlyArray<string>; readonly version: string }) => {
  const called: Array<string> = []
  const answer = { Name: "vmm", ProductVersion: "10.22", ModuleVersion: options.version, ComputerName: "exec1" }
  const run = (command: Command, streams: Streams) => {
    called.push(command.isScript ? "a script" : command.name)
    if (command.name === "Get-Command") {
      return Effect.forEach(options.functions, (name) => streams.output(bag({ Name: name.toUpperCase() })), {
        discard: true
      })
    }
    return streams.output(
      JSON.stringify(command.name === "Connect-CapsServer" ? answer : { VirtualMachines: [], Missing: [] })
    )
  }
  const host: PowerShellHost = {
    open: () =>
      Effect.succeed({
        invoke: (commands, streams) => Effect.forEach(commands, (command) => run(command, streams), { discard: true })
      })
  }
  return { host, called }
}

const list = (host: PowerShellHost) =>
  Effect.gen(function* () {
    const server = yield* WinRmServer.make({
      host,
      users: [{ userName: Site.connection.userName, password: Site.password }],
      configurations: [configurationName]
    })
    const dial = Dial.layerInProcess(new Map([[Site.origin(Site.exec1), server.handler]]))
    return yield* Effect.andThen(ScvmmSession, (session) =>
      session.run({ ...Site.connection, execHosts: [Site.exec1], configurationName }, Verb.GetVirtualMachineList, {
        Ids: []
      })
    ).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, dial)), Effect.scoped, Effect.result, Site.elapse())
  })

describe("a session configuration of a site's own", () => {
  it.effect("is used as it is, when it has all functions of this version", () =>
    Effect.gen(function* () {
      const { called, host } = restricted({ functions: [...everything, "Get-Help"], version: moduleVersion })
      const result = yield* list(host)
      assert.strictEqual(result._tag, "Success")
      assert.deepStrictEqual(called, ["Get-Command", "Connect-CapsServer", "Get-CapsVirtualMachineList"])
    })
  )

  it.effect.each([
    {
      name: "lacks functions, is told which",
      functions: everything.filter((name) => !/Mount|Expand/u.test(name)),
      version: moduleVersion,
      says: /it lacks Expand-CapsVirtualDisk, Mount-CapsMedium\. The session configuration "Capscvmm" must offer/u
    },
    {
      name: "holds another version, is told both",
      functions: everything,
      version: "0.9.0",
      says: new RegExp(`its module is of version 0\\.9\\.0, this operator's of ${moduleVersion}\\. .*"Capscvmm"`, "u")
    }
  ])("that $name", ({ says, ...options }) =>
    Effect.gen(function* () {
      const { called, host } = restricted(options)
      const result = yield* list(host)
      assert.strictEqual(result._tag, "Failure")
      if (result._tag !== "Failure") return
      assert.deepInclude(result.failure, { _tag: "ScvmmHostUnavailable", reason: "SessionFailed" })
      assert.match(result.failure.message, says)
      assert.notInclude(called, "Get-CapsVirtualMachineList")
    })
  )

  it("is asked by name, in any case", () => {
    assert.deepStrictEqual(SiteModule.missing(everything.map((name) => bag({ Name: name.toLowerCase() }))), [])
    assert.deepStrictEqual(SiteModule.missing(["text", null, bag({})]), everything)
  })
})
