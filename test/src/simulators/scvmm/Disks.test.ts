/** Disks in the model: where creation puts them, how large it makes them, and how they grow afterwards. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import type { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import { defaultInventory } from "../../../../src/simulators/scvmm/DefaultInventory.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
import * as Console from "./Console.ts"
import { elapse, request } from "./Scenario.ts"

const get = (console: Console.Console, id: string) => elapse(console.run(Verb.GetVirtualMachine, { Id: id }))

describe("disks", () => {
  const gibibyte = 1024 ** 3
  const place = { BusType: "SCSI", Bus: 0, Lun: 0 } as const
  const sizes = (vm: VirtualMachine) => vm.Disks.map((disk) => disk.MaximumSize / gibibyte)
  const larger = request(1, {
    Disks: [
      { SizeMB: 40 * 1024 + 1, Dynamic: true, VHDisk: "ubuntu-24.04" },
      { SizeMB: 1024, Dynamic: false }
    ]
  })
  const make = Effect.fnUntraced(function* (console: Console.Console, parameters: typeof larger) {
    const { Id } = yield* elapse(console.run(Verb.NewVirtualMachine, parameters))
    yield* TestClock.adjust("300 seconds")
    return yield* get(console, Id)
  })

  it.effect("are copied as large as the library has them, then grown by a job, to whole GiB and only once", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ infoRate: 0 })
      const console = yield* elapse(Console.connect(scvmm.host))
      const made = yield* make(console, larger)
      assert.deepStrictEqual(sizes(made), [10, 1])
      const grow = elapse(console.run(Verb.ExpandVirtualDisk, { Id: made.Id, ...place, SizeMB: 40 * 1024 + 1 }))
      const growing = yield* grow
      assert.deepStrictEqual(
        [growing.Status, growing.VirtualMachineState, growing.Job?.Cmdlet, growing.Job?.Status],
        ["UnderUpdate", "PowerOff", "Expand-SCVirtualDiskDrive", "Running"]
      )
      assert.deepStrictEqual(sizes(growing), [10, 1])
      const locked = yield* Effect.flip(elapse(console.run(Verb.StartVirtualMachine, { Id: made.Id })))
      assert.match(locked.fullyQualifiedErrorId, /^2602,/u)
      yield* TestClock.adjust("15 seconds")
      const grown = yield* get(console, made.Id)
      assert.deepStrictEqual([grown.Status, grown.Job?.Status], ["PowerOff", "Completed"])
      assert.deepStrictEqual(sizes(grown), [41, 1])
      assert.strictEqual(grown.Disks[0]?.Size, 2 * gibibyte)
      // As large already, to the byte: no job. And never smaller.
      for (const SizeMB of [40 * 1024 + 1, 41 * 1024, 1, 0]) {
        const same = yield* elapse(console.run(Verb.ExpandVirtualDisk, { Id: made.Id, ...place, SizeMB }))
        assert.strictEqual(same.Job?.Id, grown.Job?.Id)
        assert.deepStrictEqual(sizes(same), [41, 1])
      }
      // A fixed disk takes its space at once.
      yield* elapse(console.run(Verb.ExpandVirtualDisk, { Id: made.Id, ...place, Lun: 1, SizeMB: 2048 }))
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* get(console, made.Id)).Disks[1]?.Size, 2 * gibibyte)
    })
  )

  it.effect("grow only while the VM is off, and must be there: IDE 0:0 is not SCSI 0:0", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const made = yield* make(
        console,
        request(1, {
          HardwareProfile: "kubernetes-gen1",
          Disks: [
            { SizeMB: 0, Dynamic: true, VHDisk: "debian-12-gen1.vhd" },
            { SizeMB: 1024, Dynamic: true }
          ]
        })
      )
      const grow = (change: { readonly BusType?: "IDE"; readonly Lun?: number }) =>
        elapse(console.run(Verb.ExpandVirtualDisk, { Id: made.Id, ...place, ...change, SizeMB: 20480 }))
      const absent = yield* Effect.flip(grow({}))
      assert.strictEqual(absent.fullyQualifiedErrorId, "VirtualDiskNotFound,Expand-CapsVirtualDisk")
      assert.strictEqual(absent.targetObject, JSON.stringify({ Id: made.Id, ...place }))
      yield* grow({ BusType: "IDE" })
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(sizes(yield* get(console, made.Id)), [20, 1])
      yield* elapse(console.run(Verb.StartVirtualMachine, { Id: made.Id }))
      yield* TestClock.adjust("15 seconds")
      const refused = yield* Effect.flip(grow({ Lun: 1 }))
      assert.match(refused.fullyQualifiedErrorId, /^640,.*ExpandVirtualDiskDriveCmdlet$/u)
      // Nothing to do is nothing to refuse.
      assert.strictEqual((yield* grow({ BusType: "IDE" })).Status, "Running")
    })
  )

  it.effect("that could not grow keep their size, and the VM is free again", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ faults: [{ on: { job: "Expand" }, nth: 1, outcome: { code: 2912 } }] })
      const console = yield* elapse(Console.connect(scvmm.host))
      const made = yield* make(console, larger)
      const grow = elapse(console.run(Verb.ExpandVirtualDisk, { Id: made.Id, ...place, SizeMB: 20480 }))
      yield* grow
      yield* TestClock.adjust("15 seconds")
      const failed = yield* get(console, made.Id)
      assert.deepStrictEqual([failed.Status, failed.Job?.Status, failed.Job?.ErrorCode], ["PowerOff", "Failed", 2912])
      assert.deepStrictEqual(sizes(failed), [10, 1])
      yield* grow
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(sizes(yield* get(console, made.Id)), [20, 1])
    })
  )

  it.effect("of empty entries are not made: with a template its own stay, without one nothing is there", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const Disks = [
        { SizeMB: 0, Dynamic: true, VHDisk: "" },
        { SizeMB: 0, Dynamic: false },
        { SizeMB: 1024, Dynamic: true }
      ]
      const places = (vm: VirtualMachine) => vm.Disks.map((disk) => [disk.Lun, disk.FileName])
      assert.deepStrictEqual(places(yield* make(console, request(1, { Disks }))), [[2, "machine-1_disk_3.vhdx"]])
      const ofTemplate = yield* make(console, request(2, { Disks, VMTemplate: "ubuntu-24.04-kubernetes" }))
      assert.deepStrictEqual(places(ofTemplate), [
        [0, "ubuntu-24.04.vhdx"],
        [2, "machine-2_disk_3.vhdx"]
      ])
    })
  )

  it.effect("of a generation 1 template: the first on IDE 0:0, the others on SCSI", () =>
    Effect.gen(function* () {
      const template = {
        name: "two disks",
        generation: 1 as const,
        memoryMB: 1024,
        networkAdapters: 1,
        operatingSystem: "Other Linux (64 bit)",
        virtualHardDisks: ["debian-12-gen1.vhd", "debian-12"]
      }
      const scvmm = yield* Scvmm.make({ inventory: { ...defaultInventory, vmTemplates: [template] } })
      const console = yield* elapse(Console.connect(scvmm.host))
      const empty = { SizeMB: 0, Dynamic: true }
      const change = { VMTemplate: template.name }
      const made = yield* make(
        console,
        request(1, { ...change, Disks: [empty, empty, { SizeMB: 1024, Dynamic: true }] })
      )
      assert.deepStrictEqual(
        made.Disks.map((disk) => [disk.BusType, disk.Bus, disk.Lun]),
        [
          ["IDE", 0, 0],
          ["SCSI", 0, 1],
          ["SCSI", 0, 2]
        ]
      )
      const failed = yield* make(console, request(2, { ...change, Disks: [{ SizeMB: 1024, Dynamic: true }] }))
      assert.strictEqual(failed.Status, "CreationFailed")
      assert.include(failed.Job?.ErrorMessage ?? "", "IDE 0:0")
    })
  )
})
