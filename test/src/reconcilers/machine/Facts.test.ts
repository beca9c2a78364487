import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { MachineStatus } from "../../../../schemas/scvmm/MachineStatus.ts"
import { MachineAddress } from "../../../../schemas/scvmm/Reference.ts"
import type { NetworkAdapter } from "../../../../schemas/vmm/VirtualMachine.ts"
import { addressesOf, jobOfCall, mirror, noVm } from "../../../../src/reconcilers/machine/Facts.ts"
import { scvmmMachine, virtualMachine } from "../Objects.ts"
import { rich } from "../Rich.ts"
import { AnyVirtualMachine } from "./Observations.ts"

const Local = Schema.Literals([
  "169.254.0.1",
  "169.254.255.254",
  "fe80::1",
  "FE80::A",
  "fe9f::1",
  "feb0::2",
  "febf::3%eth0"
])
const Usable = Schema.Literals(["10.0.0.5", "192.168.1.7", "169.253.1.1", "2001:db8::5", "fec0::1", "fd00::fe80"])
const Address = Schema.Union([Local, Usable, Schema.Literal(""), Schema.String])
const Adapters = Schema.Array(Schema.Struct({ v4: Schema.Array(Address), v6: Schema.Array(Address) }))

const adaptersOf = (given: typeof Adapters.Type): ReadonlyArray<NetworkAdapter> =>
  given.map(({ v4, v6 }, i) => ({ SlotId: i, Name: `nic ${i}`, IPv4Addresses: v4, IPv6Addresses: v6 }))

const addresses = (given: typeof Adapters.Type, ComputerName?: string) =>
  addressesOf(
    virtualMachine({ NetworkAdapters: adaptersOf(given), ...(ComputerName !== undefined && { ComputerName }) })
  )

const isAddress = Schema.is(MachineAddress)

describe("Facts.addressesOf", () => {
  it.prop("Cluster API takes every one (rule 56)", { given: Adapters, name: Schema.String }, ({ given, name }) => {
    const published = addresses(given, name)
    assert.isAtMost(published.length, 256)
    for (const it of published) assert.isTrue(isAddress(it), JSON.stringify(it))
    const texts = published.filter((it) => it.type === "InternalIP").map((it) => it.address)
    assert.deepStrictEqual(texts, [...new Set(texts)])
  })

  it.prop("link-local ones are nobody's business", { given: Adapters }, ({ given }) => {
    const published = addresses(given).map((it) => it.address)
    const all = given.flatMap(({ v4, v6 }) => [...v4, ...v6])
    for (const it of all.filter(Schema.is(Local))) assert.notInclude(published, it)
    for (const it of all.filter(Schema.is(Usable))) assert.include(published, it)
  })

  it("each adapter's in order, then the guest's name", () => {
    const given = [
      { v4: ["10.0.0.5", "169.254.3.4"], v6: ["fe80::1", "2001:db8::5"] },
      { v4: ["10.0.1.5", "10.0.0.5"], v6: [] }
    ]
    assert.deepStrictEqual(addresses(given, "node-1.example.org"), [
      { type: "InternalIP", address: "10.0.0.5" },
      { type: "InternalIP", address: "2001:db8::5" },
      { type: "InternalIP", address: "10.0.1.5" },
      { type: "Hostname", address: "node-1.example.org" }
    ])
  })

  it("no name without an address", () => {
    assert.deepStrictEqual(addresses([{ v4: ["169.254.3.4"], v6: [] }], "node-1"), [])
    assert.deepStrictEqual(addresses([], "node-1"), [])
  })

  it("what is too much is cut, what is too long left out", () => {
    const many = Array.from({ length: 400 }, (_, i) => `10.0.${i >> 8}.${i & 255}`)
    assert.lengthOf(addresses([{ v4: many, v6: [] }], "node-1"), 256)
    assert.deepInclude(addresses([{ v4: many, v6: [] }], "node-1"), { type: "Hostname", address: "node-1" })
    assert.deepStrictEqual(addresses([{ v4: ["10.0.0.5", "1".repeat(257)], v6: [] }], "n".repeat(257)), [
      { type: "InternalIP", address: "10.0.0.5" }
    ])
  })
})

const decode = Schema.decodeUnknownSync(MachineStatus, { onExcessProperty: "error" })
/** As JSON goes over the wire: undefined members are not there. */
const wire = (fields: object): unknown => JSON.parse(JSON.stringify(fields))

describe("Facts.mirror", () => {
  it.prop(
    "is a status that our schema takes",
    { vm: AnyVirtualMachine },
    ({ vm }) => {
      const status = decode(wire(mirror(vm)))
      assert.strictEqual(status.vmStatus, vm.Status)
      assert.strictEqual(status.biosGuid, vm.BiosGuid)
      assert.strictEqual(status.host, vm.HostName)
      assert.strictEqual(status.hostname, vm.ComputerName)
      const works = vm.Job?.Status === "Running" || vm.Job?.Status === "NotStarted"
      assert.strictEqual(status.job?.id, works ? vm.Job?.Id : undefined)
    },
    rich
  )

  it.prop(
    "names every field each time, so that what is over is removed",
    { vm: AnyVirtualMachine },
    ({ vm }) => {
      assert.hasAllKeys(mirror(vm), ["vmStatus", "biosGuid", "creationTime", "modifiedTime", "hostname", "host", "job"])
    },
    rich
  )

  it.each([
    [-1, 0],
    [0, 0],
    [24, 0],
    [42, 25],
    [99, 75],
    [100, 100],
    [101, 100]
  ])("a job's progress of %i is %i per cent", (Progress, progress) => {
    const Job = { Id: "j", Name: "n", Status: "Running", Progress, StartTime: "2026-01-01T00:00:00Z" }
    const { job } = decode(wire(mirror(virtualMachine({ Job: { ...Job, Cmdlet: "Start-SCVirtualMachine" } }))))
    assert.deepStrictEqual(job, { id: "j", cmdlet: "Start-SCVirtualMachine", progress, startedAt: Job.StartTime })
    assert.isUndefined(mirror(virtualMachine({ Job: { ...Job, Status: "Failed" } }))["job"])
  })

  it("a call of ours is the job while it runs, once it told how far it is; a job of VMM is left alone", () => {
    const running = (progress: number) => ({ _tag: "Running", startedAt: 0, progress }) as const
    const having = (job?: object) => scvmmMachine({ status: job === undefined ? {} : { job } })
    const startedAt = "1970-01-01T00:00:00.000Z"
    const call = { cmdlet: "New-CapsVirtualMachine", progress: 25, startedAt }
    assert.deepStrictEqual(jobOfCall(running(25), undefined, having()), { job: call })
    const seeding = { ...call, cmdlet: "Import-CapsMedium", progress: 75 }
    assert.deepStrictEqual(jobOfCall(undefined, running(75), having(call)), { job: seeding })
    assert.deepStrictEqual(jobOfCall(running(0), undefined, having()), {})
    // One that failed is over.
    assert.deepStrictEqual(jobOfCall(undefined, undefined, having(call)), { job: undefined })
    assert.deepStrictEqual(jobOfCall(undefined, undefined, having({ ...call, id: "j" })), {})
    assert.deepStrictEqual(jobOfCall(undefined, undefined, having()), {})
  })

  it("without a VM nothing says that there is one, but whose it was", () => {
    assert.deepStrictEqual(wire(noVm), {})
    assert.hasAllKeys(noVm, ["vmStatus", "host", "job"])
  })
})
