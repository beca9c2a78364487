/** Names in a create call: resolved where they may be, refused with field, value and candidates. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import { defaultInventory } from "../../../../src/simulators/scvmm/DefaultInventory.ts"
import { Inventory } from "../../../../src/simulators/scvmm/Inventory.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
import * as Console from "./Console.ts"
import { elapse, request, uid } from "./Scenario.ts"
import type { Request } from "./Scenario.ts"

const Target = Schema.Struct({ Field: Schema.String, Value: Schema.String, Candidates: Schema.Array(Schema.String) })
const refusals: ReadonlyArray<
  readonly [change: Partial<Request>, id: string, field: string, value: string, candidates: number]
> = [
  [{ Cloud: "Nowhere" }, "ReferenceNotFound", "cloud", "Nowhere", 0],
  [{ HostGroup: "Nowhere" }, "ReferenceNotFound", "hostGroup", "Nowhere", 0],
  [{ HostGroup: "Rack 1" }, "ReferenceAmbiguous", "hostGroup", "Rack 1", 2],
  [{ HardwareProfile: "none" }, "ReferenceNotFound", "hardwareProfile", "none", 0],
  [{ HardwareProfile: "repeated" }, "ReferenceAmbiguous", "hardwareProfile", "repeated", 2],
  [{ VMTemplate: "none" }, "ReferenceNotFound", "vmTemplate", "none", 0],
  [{ OperatingSystem: "BeOS" }, "ReferenceNotFound", "operatingSystem", "BeOS", 0],
  [
    {
      Disks: [
        { SizeMB: 1, Dynamic: true },
        { SizeMB: 0, Dynamic: true, VHDisk: "none" }
      ]
    },
    "ReferenceNotFound",
    "disks[1].vhDisk",
    "none",
    0
  ],
  [
    { Disks: [{ SizeMB: 1, Dynamic: true, StorageQoSPolicy: "Lead" }] },
    "ReferenceNotFound",
    "disks[0].storageQoSPolicy",
    "Lead",
    0
  ],
  [
    { NetworkDevices: [{ VMNetwork: "kubernetes" }, { VMNetwork: "shared" }] },
    "ReferenceAmbiguous",
    "networking.devices[1].vmNetwork",
    "shared",
    2
  ],
  [
    { NetworkDevices: [{ VMNetwork: "storage" }], HostGroup: "Test", Cloud: "Test" },
    "ReferenceNotFound",
    "networking.devices[0].vmNetwork",
    "storage",
    0
  ],
  [
    { NetworkDevices: [{ VMNetwork: "kubernetes", VMSubnet: "none" }] },
    "ReferenceNotFound",
    "networking.devices[0].vmSubnet",
    "none",
    0
  ],
  [{ FibreChannel: [{ VirtualSAN: "none" }] }, "ReferenceNotFound", "fibreChannel[0].virtualSAN", "none", 0],
  [
    { FibreChannel: [{}, { StorageFabricClassification: "none" }] },
    "ReferenceNotFound",
    "fibreChannel[1].storageFabricClassification",
    "none",
    0
  ]
]

describe("references", () => {
  it.effect("the default inventory is valid data", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(Inventory)(defaultInventory), defaultInventory)
    })
  )

  it.effect.each(refusals)("%j is refused: %s %s", ([change, id, field, value, candidates]) =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const refused = yield* Effect.flip(elapse(console.run(Verb.NewVirtualMachine, request(1, change))))
      assert.strictEqual(refused.fullyQualifiedErrorId, `${id},New-CapsVirtualMachine`)
      assert.isString(refused.targetObject)
      const target = yield* Schema.decodeUnknownEffect(Schema.fromJsonString(Target))(refused.targetObject)
      assert.deepStrictEqual([target.Field, target.Value, target.Candidates.length], [field, value, candidates])
      assert.deepStrictEqual(scvmm.state.leftovers(), [])
    })
  )

  it.effect("a cloud alone bounds the networks by its host groups; a path tells two groups apart", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const { HostGroup: _, ...cloudOnly } = request(1, { Cloud: "Test" })
      yield* elapse(console.run(Verb.NewVirtualMachine, cloudOnly))
      const { Cloud: __, ...groupOnly } = request(2, { HostGroup: "all hosts\\production\\rack 2" })
      yield* elapse(console.run(Verb.NewVirtualMachine, groupOnly))
      yield* TestClock.adjust("300 seconds")
      const hosts = scvmm.state.virtualMachines().map((vm) => vm.HostName ?? "")
      assert.match(hosts[0] ?? "", /^hv-1[12]\./u)
      assert.match(hosts[1] ?? "", /^hv-0[34]\./u)
    })
  )

  it.effect("a network is the one that the bounded clusters carry, however many have its name elsewhere", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const refusal = (n: number, change: Partial<Request>) =>
        Effect.flatMap(
          Effect.flip(elapse(console.run(Verb.NewVirtualMachine, request(n, change)))),
          ({ targetObject }) => Schema.decodeUnknownEffect(Schema.fromJsonString(Target))(targetObject)
        )
      const { Candidates } = yield* refusal(1, { NetworkDevices: [{ VMNetwork: "shared" }] })
      const id = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
      assert.deepStrictEqual(Candidates.map((candidate) => candidate.replace(new RegExp(id, "u"), "ID")).toSorted(), [
        "shared (Datacenter, ID)",
        "shared (Storage, ID)"
      ])
      assert.deepStrictEqual(
        Candidates.map((candidate) => candidate.slice(-37)),
        Candidates.map((candidate) => candidate.slice(-37)).toSorted()
      )
      // The id that a candidate shows is a reference too, but no way out of the bounds.
      const [, chosen = ""] = /, (.*)\)$/u.exec(Candidates[0] ?? "") ?? []
      yield* elapse(console.run(Verb.NewVirtualMachine, request(2, { NetworkDevices: [{ VMNetwork: chosen }] })))
      yield* TestClock.adjust("300 seconds")
      const [vm] = scvmm.state.virtualMachines()
      assert.strictEqual(vm?.NetworkAdapters[0]?.VMNetwork, "shared")
      const elsewhere = yield* refusal(3, { HostGroup: "Test", Cloud: "Test", NetworkDevices: [{ VMNetwork: chosen }] })
      assert.deepStrictEqual(elsewhere, { Field: "networking.devices[0].vmNetwork", Value: chosen, Candidates: [] })
      // One that only a parent's other child carries, and a group without clusters.
      yield* refusal(4, { HostGroup: "All Hosts\\Production\\Rack 2", NetworkDevices: [{ VMNetwork: "none" }] })
      yield* refusal(5, { HostGroup: "All Hosts\\Test\\Rack 1", Cloud: "Test" })
    })
  )

  it.effect("all hosts carry every network, so that a name may be ambiguous there alone", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const refused = yield* Effect.flip(
        elapse(console.run(Verb.NewVirtualMachine, request(1, { HostGroup: "All Hosts" })))
      )
      assert.strictEqual(refused.fullyQualifiedErrorId, "ReferenceAmbiguous,New-CapsVirtualMachine")
      yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
    })
  )

  it.effect("only clusters have availability sets: placement finds none elsewhere", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const change = { NetworkDevices: [], AvailabilitySet: "set", Cloud: "Test" }
      const refused = yield* Effect.flip(
        elapse(console.run(Verb.NewVirtualMachine, request(1, { ...change, HostGroup: "All Hosts\\Test\\Rack 1" })))
      )
      assert.match(refused.fullyQualifiedErrorId, /^12700,/u)
      yield* elapse(console.run(Verb.NewVirtualMachine, request(1, { ...change, HostGroup: "Test" })))
      yield* TestClock.adjust("300 seconds")
      assert.match(scvmm.state.virtualMachines()[0]?.HostName ?? "", /^hv-1[12]\./u)
    })
  )

  it.effect("an empty text is no name; a library disk goes by id, by name or by file name", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const nothing = { OperatingSystem: "", AvailabilitySet: "", VMTemplate: "" }
      for (const [index, VHDisk] of ["DEBIAN-12", "debian-12.VHDX"].entries()) {
        yield* elapse(
          console.run(
            Verb.NewVirtualMachine,
            request(index + 1, {
              ...nothing,
              Disks: [{ SizeMB: 0, Dynamic: true, VHDisk }],
              NetworkDevices: [{ VMNetwork: "kubernetes", VMSubnet: "" }]
            })
          )
        )
      }
      const refused = yield* Effect.flip(
        elapse(
          console.run(
            Verb.NewVirtualMachine,
            request(3, { ...nothing, Disks: [{ SizeMB: 0, Dynamic: true, VHDisk: uid(9) }] })
          )
        )
      )
      assert.strictEqual(refused.fullyQualifiedErrorId, "ReferenceNotFound,New-CapsVirtualMachine")
    })
  )
})
