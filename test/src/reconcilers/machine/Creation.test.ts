import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { MachineSpec } from "../../../../schemas/scvmm/MachineSpec.ts"
import { Networking } from "../../../../schemas/scvmm/Networking.ts"
import * as Quantity from "../../../../schemas/scvmm/Quantity.ts"
import { NewVirtualMachine } from "../../../../schemas/vmm/Verb.ts"
import type { Parameters } from "../../../../src/reconcilers/machine/Creation.ts"
import {
  commitWithinSeconds,
  parametersOf,
  unsupported,
  vmNameOf
} from "../../../../src/reconcilers/machine/Creation.ts"
import type { Placement } from "../../../../src/reconcilers/machine/Placement.ts"
import { scvmmMachine } from "../Objects.ts"
import { rich } from "../Rich.ts"

const nowhere: Placement = { cloud: undefined, hostGroup: undefined, networking: undefined, failureDomain: undefined }
const marker = "capscvmm/1 installation=i machine=default/node-1 uid=uid-node-1"

/** As the spec of a stored object says it. */
const of = (spec: object, placement: Partial<Placement> = {}): Parameters => {
  const machine = scvmmMachine({ spec })
  return parametersOf(machine, { ...nowhere, networking: machine.spec.networking, ...placement }, marker)
}

const encodeSpec = Schema.encodeSync(MachineSpec)
/** A machine with any spec, as it is read back from the API server. */
const stored = (spec: typeof MachineSpec.Type) => scvmmMachine({ spec: encodeSpec(spec) })

const decode = Schema.decodeUnknownSync(NewVirtualMachine.parameters, { onExcessProperty: "error" })

const Place = Schema.Struct({
  cloud: Schema.UndefinedOr(Schema.String),
  hostGroup: Schema.UndefinedOr(Schema.String),
  networking: Schema.UndefinedOr(Networking),
  failureDomain: Schema.UndefinedOr(Schema.String)
})

describe("Creation.parametersOf", () => {
  it.prop(
    "is what the verb takes, whatever the spec",
    { spec: MachineSpec, place: Place },
    ({ spec, place }) => {
      const parameters = parametersOf(stored(spec), place, marker)
      decode(parameters)
      assert.strictEqual(parameters.Marker, marker)
      assert.strictEqual(parameters.MachineUid, "uid-node-1")
      assert.strictEqual(parameters.CommitWithinSeconds, commitWithinSeconds)
      assert.strictEqual(parameters.Cloud, place.cloud)
      assert.strictEqual(parameters.HostGroup, place.hostGroup)
    },
    rich
  )

  it.prop(
    "keeps every list's order and length: the index is LUN and slot",
    { spec: MachineSpec, place: Place },
    (given) => {
      const { place } = given
      const machine = stored(given.spec)
      const { spec } = machine
      const parameters = parametersOf(machine, place, marker)
      assert.deepStrictEqual(
        parameters.Disks.map((disk) => disk.VHDisk),
        (spec.disks ?? []).map((disk) => disk.vhDisk)
      )
      assert.deepStrictEqual(
        parameters.NetworkDevices.map((device) => device.VMNetwork),
        (place.networking?.devices ?? []).map((device) => device.vmNetwork)
      )
      assert.deepStrictEqual(
        parameters.FibreChannel.map((adapter) => [adapter.StorageFabricClassification, adapter.VirtualSAN]),
        (spec.fibreChannel ?? []).map((adapter) => [adapter.storageFabricClassification, adapter.virtualSAN])
      )
    },
    rich
  )

  it.prop("memory is whole MiB, never more than was asked for", { size: Quantity.Quantity }, ({ size }) => {
    const { MemoryMB } = parametersOf(
      { ...scvmmMachine(), spec: { ...scvmmMachine().spec, memory: size } },
      nowhere,
      ""
    )
    const asked = Quantity.toBytes(size)
    const given = BigInt(MemoryMB ?? 0) * 1_048_576n
    if (asked >= 0n) assert.isTrue(given <= asked && asked - given < 1_048_576n, `${size} → ${MemoryMB}`)
  })
})

describe("Creation, by the checklist", () => {
  it("2: 1500M is 1430 MiB", () => {
    assert.strictEqual(of({ memory: "1500M" }).MemoryMB, 1430)
    assert.strictEqual(of({ memory: 2_147_483_648 }).MemoryMB, 2048)
  })

  const dynamicMemory = { minimum: "1Gi", maximum: "1500M", bufferPercentage: 20 }
  const dynamic = { DynamicMemoryMinimumMB: 1024, DynamicMemoryMaximumMB: 1430, DynamicMemoryBufferPercentage: 20 }
  const memoryOf = (it: Parameters) => ({
    MemoryMB: it.MemoryMB,
    ...Object.fromEntries(Object.entries(it).filter(([name]) => name.startsWith("DynamicMemory")))
  })
  it.each<[string, object, object]>([
    ["memory alone is static", { memory: "4Gi" }, { MemoryMB: 4096 }],
    ["dynamic alone starts at its minimum", { dynamicMemory }, { MemoryMB: 1024, ...dynamic }],
    ["both", { memory: "1200Mi", dynamicMemory }, { MemoryMB: 1200, ...dynamic }],
    ["neither leaves it to the profile", {}, { MemoryMB: undefined }],
    [
      "no buffer",
      { dynamicMemory: { minimum: "1Gi", maximum: "2Gi" } },
      { MemoryMB: 1024, DynamicMemoryMinimumMB: 1024, DynamicMemoryMaximumMB: 2048 }
    ]
  ])("13: %s", (_name, spec, memory) => {
    assert.deepStrictEqual(memoryOf(of(spec)), memory)
  })

  it("14: an operating system is sent when there is one", () => {
    assert.notProperty(of({}), "OperatingSystem")
    assert.notProperty(of({ operatingSystem: "" }), "OperatingSystem")
    assert.strictEqual(
      of({ operatingSystem: "Ubuntu Linux 24.04 (64 bit)" }).OperatingSystem,
      "Ubuntu Linux 24.04 (64 bit)"
    )
  })

  it("15–17: blank, copied and grown disks, each at its index; an empty entry is a placeholder", () => {
    const disks = [
      {},
      { size: "20Gi" },
      { vhDisk: "ubuntu", size: "1500M", volumeType: "Boot" },
      { vhDisk: "data", dynamic: false, storageQoSPolicy: "gold" },
      { size: "0" }
    ]
    assert.deepStrictEqual(of({ disks }).Disks, [
      { SizeMB: 0, Dynamic: true },
      { SizeMB: 20_480, Dynamic: true },
      { SizeMB: 1430, Dynamic: true, VHDisk: "ubuntu", VolumeType: "Boot" },
      { SizeMB: 0, Dynamic: false, VHDisk: "data", StorageQoSPolicy: "gold" },
      { SizeMB: 0, Dynamic: true }
    ])
    assert.deepStrictEqual(of({}).Disks, [])
  })

  it("18: template and hardware profile both go along", () => {
    assert.deepInclude(of({ vmTemplate: "golden" }), { VMTemplate: "golden", HardwareProfile: "gen2" })
    assert.notProperty(of({}), "VMTemplate")
  })

  it("19: of the options only those that are set", () => {
    assert.notProperty(of({}), "VMOptions")
    assert.notProperty(of({}), "Description")
    assert.notProperty(of({}), "AvailabilitySet")
    // The default applies once vmOptions is there.
    assert.deepStrictEqual(of({ vmOptions: {} }).VMOptions, { CheckpointType: "Standard" })
    const set = of({
      availabilitySet: "masters",
      vmOptions: {
        description: "web\nserver",
        startAction: "AlwaysAutoTurnOnVM",
        stopAction: "SaveVM",
        cpuLimitForMigration: false,
        cpuLimitFunctionality: true,
        enableNestedVirtualization: false,
        checkpointType: "Disabled"
      }
    })
    assert.deepStrictEqual(set.VMOptions, {
      StartAction: "AlwaysAutoTurnOnVM",
      StopAction: "SaveVM",
      CPULimitForMigration: false,
      CPULimitFunctionality: true,
      EnableNestedVirtualization: false,
      CheckpointType: "Disabled"
    })
    assert.deepInclude(set, { Description: "web\nserver", AvailabilitySet: "masters" })
  })

  it("20: the devices are those of the placement", () => {
    const own = { devices: [{ vmNetwork: "own" }] }
    const devices = [{ deviceName: "eth0", vmNetwork: "a", vmSubnet: "s", macAddress: "00:15:5D:00:00:01", vlan: 7 }]
    assert.deepStrictEqual(of({ networking: own }, { networking: { devices } }).NetworkDevices, [
      { VMNetwork: "a", VMSubnet: "s", MACAddress: "00:15:5D:00:00:01", VLanID: 7 }
    ])
    assert.deepStrictEqual(of({}).NetworkDevices, [])
  })

  it("21: each fibre channel entry is an adapter", () => {
    assert.deepStrictEqual(
      of({ fibreChannel: [{ virtualSAN: "a" }, { storageFabricClassification: "b" }, {}] }).FibreChannel,
      [{ VirtualSAN: "a" }, { StorageFabricClassification: "b" }, {}]
    )
  })

  it("25: spec.vmName, else the object's name", () => {
    assert.strictEqual(vmNameOf(scvmmMachine({ spec: { vmName: "web01" } })), "web01")
    assert.strictEqual(vmNameOf(scvmmMachine({ spec: { vmName: "" } })), "node-1")
    assert.strictEqual(of({ vmName: "web01" }).Name, "web01")
  })
})

describe("Creation.unsupported", () => {
  const refused = (spec: object, networking?: Placement["networking"]) => {
    const machine = scvmmMachine({ spec })
    return unsupported(machine.spec, networking ?? machine.spec.networking)
  }
  const device = { deviceName: "eth1", vmNetwork: "b" }
  it.each<[string, object]>([
    ["spec.vmNameFromPool", { vmNameFromPool: { name: "pool" } }],
    ["spec.naming", { naming: { template: "{{ .metadata.name }}" } }],
    ["spec.domainJoin", { domainJoin: { domain: "example.org", credentialsRef: { name: "s" } } }],
    ["spec.disks[1].persistentDisk", { disks: [{}, { persistentDisk: { pool: { name: "p" } } }] }],
    ["spec.disks[0].iopsMaximum", { disks: [{ iopsMaximum: 100 }] }],
    [
      "spec.networking.devices[1].addressesFromPools",
      {
        networking: {
          devices: [{ vmNetwork: "a" }, { ...device, addressesFromPools: [{ kind: "InClusterIPPool", name: "p" }] }]
        }
      }
    ],
    [
      "spec.networking.devices[1].staticIPAddressPools",
      { networking: { devices: [{ vmNetwork: "a" }, { ...device, staticIPAddressPools: ["p"] }] } }
    ],
    ["spec.tag", { tag: "t" }],
    ["spec.customProperty", { customProperty: { a: "b" } }]
  ])("%s is refused by name", (field, spec) => {
    const wait = refused(spec)
    assert.strictEqual(wait?.reason, "NotSupported")
    assert.include(wait?.message, field)
    assert.match(wait?.message ?? "", /remove/u)
  })

  it("all of them at once, each once", () => {
    const message = refused({ tag: "t", disks: [{ iopsMaximum: 1 }, { iopsMaximum: 1 }] })?.message ?? ""
    for (const field of ["spec.tag", "spec.disks[0].iopsMaximum", "spec.disks[1].iopsMaximum"]) {
      assert.lengthOf(message.split(field), 2, field)
    }
  })

  it("a failure domain's networking as the machine's own", () => {
    const wait = refused({}, { devices: [{ ...device, staticIPAddressPools: ["p"] }] })
    assert.include(wait?.message, "networking.devices[0].staticIPAddressPools")
  })

  it("a name that is stored already needs no pool and no template", () => {
    assert.isUndefined(refused({ vmName: "web01", vmNameFromPool: { name: "pool" }, naming: { template: "x" } }))
  })

  it("what means nothing is not refused", () => {
    assert.isUndefined(refused({}))
    const devices = [{ ...device, addressesFromPools: [], staticIPAddressPools: [] }]
    assert.isUndefined(refused({ tag: "", customProperty: {}, disks: [{ iopsMaximum: 0 }], networking: { devices } }))
  })
})
