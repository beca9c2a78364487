import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { fromJs } from "../../../../layers/psrp/PsJson.ts"
import type { RunspacePool } from "../../../../layers/psrp/RunspacePool.ts"
import { KubeClient } from "../../../../layers/kube/KubeClient.ts"
import { ScvmmSession, type ProviderConnection, type Session } from "../../../../layers/scvmm/ScvmmSession.ts"
import * as SessionCall from "../../../../layers/scvmm/SessionCall.ts"
import { Inventory } from "../../../../layers/scvmm/Inventory.ts"
import { IsoBuilder } from "../../../../layers/seed/IsoBuilder.ts"
import type { MachineContext } from "../../../../src/reconcilers/machine/MachineContext.ts"
import { seedCall } from "../../../../src/reconcilers/machine/SeedCall.ts"
import * as Site from "../../../layers/scvmm/Site.ts"
import { stationOf } from "../../../layers/scvmm/Station.ts"
import { scvmmMachine, virtualMachine } from "../Objects.ts"
import { workshop } from "./Workshop.ts"

const networking = {
  domain: "example.test",
  devices: [{ deviceName: "eth0", vmNetwork: "net", ipAddresses: ["10.0.0.5/24"] }]
}

interface Called {
  readonly name: string
  readonly parameters: Readonly<Record<string, unknown>>
}

/** Seeds a machine over a session whose AddVMSpec answers so; gives the calls, and the bytes of the medium as text. */
const seed = (answer: ReadonlyArray<string>, extraFunctions: ProviderConnection["extraFunctions"]) =>
  Effect.gen(function* () {
    const vm = virtualMachine({ HostName: "hv-1" })
    const machine = scvmmMachine({ spec: { id: vm.Id, bootstrap: { dataSecretName: "boot" }, networking } })
    const called: Array<Called> = []
    const invoke: RunspacePool["invoke"] = ([command]) =>
      Effect.sync(() => {
        const { name = "", parameters = {} } = command ?? {}
        called.push({ name, parameters })
        const documents: Readonly<Record<string, ReadonlyArray<string>>> = {
          AddVMSpec: answer,
          "Import-CapsMedium": [JSON.stringify({ Id: "i", SharePath: "p" })],
          "Mount-CapsMedium": [JSON.stringify(vm)],
          "Remove-CapsLeftover": [JSON.stringify({ Removed: [], Remaining: [] })]
        }
        const output = (documents[name] ?? []).map((text) => Result.getOrThrow(fromJs(text)))
        const nothing = { errors: [], warnings: [], verbose: [], debug: [], information: [], progress: [] }
        return { state: "Completed", output, ...nothing }
      })
    const station = stationOf(invoke)
    const session: Session = {
      execHost: "exec1",
      shellId: "S",
      server: { Name: "vmm", ProductVersion: "1", ModuleVersion: "1", ComputerName: "exec1" },
      run: (verb, parameters) => SessionCall.run(station, verb, parameters)
    }
    const context: MachineContext = {
      workshop: yield* workshop,
      around: { machine, owner: undefined, cluster: undefined, scvmmCluster: undefined },
      machine,
      placement: {
        cloud: "Production",
        hostGroup: undefined,
        networking: machine.spec.networking,
        failureDomain: undefined
      },
      connection: { ...Site.connection, extraFunctions }
    }
    const services = Layer.mergeAll(
      Layer.mock(Inventory, { answered: () => Effect.void, invalidate: () => Effect.void }),
      Layer.mock(KubeClient, {
        // Only the Secret is asked for.
        get: () => Effect.succeed({ data: { value: Buffer.from("#cloud-config\n").toString("base64") } } as never)
      }),
      Layer.mock(ScvmmSession, { use: (_, f) => f(session) }),
      IsoBuilder.layer
    )
    const ended = yield* Effect.result(seedCall(context, vm, vm.VMId ?? "").pipe(Effect.provide(services)))
    const data = called.find(({ name }) => name === "Import-CapsMedium")?.parameters["Data"]
    return { called, ended, medium: data instanceof Uint8Array ? new TextDecoder("latin1").decode(data) : "" }
  }).pipe(Effect.scoped)

const hook = { addvmspec: Redacted.make("param($spec, $metadata)") }
const device = { deviceName: "eth0", vmNetwork: "net", ipAddresses: ["10.9.8.7/24"], gateway: "10.9.8.1" }

describe("AddVMSpec", () => {
  it.effect("gives the medium its networking, of the spec with its placement", () =>
    Effect.gen(function* () {
      const answer = JSON.stringify({
        cpuCount: 4,
        vmName: "x",
        networking: { ...networking, devices: [device] },
        Error: ""
      })
      const { called, ended, medium } = yield* seed([answer], hook)
      assert.strictEqual(ended._tag, "Success")
      assert.deepStrictEqual(
        called.map(({ name }) => name),
        ["AddVMSpec", "Import-CapsMedium", "Mount-CapsMedium", "Remove-CapsLeftover"]
      )
      assert.include(medium, "10.9.8.7/24")
      assert.notInclude(medium, "10.0.0.5/24")
      const parameters: Called["parameters"] = called[0]?.parameters ?? {}
      assert.deepStrictEqual(Object.keys(parameters), ["spec", "metadata"])
      const spec: unknown = JSON.parse(String(parameters["spec"]))
      assert.deepInclude(spec, { cloud: "Production", networking, vmName: "node-1" })
      assert.property(JSON.parse(String(parameters["metadata"])), "name")
    })
  )

  it.effect.each([
    ["nothing of it", "{}"],
    ["null", '{"networking":null,"Error":null}']
  ])("that says %s leaves the networking as it is", ([, answer = ""]) =>
    Effect.gen(function* () {
      const { ended, medium } = yield* seed([answer], hook)
      assert.strictEqual(ended._tag, "Success")
      assert.include(medium, "10.0.0.5/24")
    })
  )

  it.effect("is not called where the provider has none", () =>
    Effect.gen(function* () {
      const { called, medium } = yield* seed([], { Helper: Redacted.make("1") })
      assert.notInclude(
        called.map(({ name }) => name),
        "AddVMSpec"
      )
      assert.include(medium, "10.0.0.5/24")
    })
  )

  it.effect.each<[string, ReadonlyArray<string>, RegExp]>([
    ["an Error", [JSON.stringify({ Error: "E1", Message: "no address left" })], /AddVMSpec failed: no address left/u],
    ["no JSON", ["hello"], /AddVMSpec answered something else than promised: document 1: not JSON/u],
    ["nothing", [], /AddVMSpec answered something else.*0 documents, one expected/u],
    ["two answers", ["{}", "{}"], /2 documents, one expected/u]
  ])("that answers %s keeps the medium from being made", ([, answer, says]) =>
    Effect.gen(function* () {
      const { called, ended } = yield* seed(answer, hook)
      assert.match(ended._tag === "Failure" ? ended.failure.message : "", says)
      assert.lengthOf(called, 1)
    })
  )
})
