/** VMs that go: removed by us without a marker, or by somebody else while something is done to them; on virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import { defaultInventory } from "../../../../src/simulators/scvmm/DefaultInventory.ts"
import { fast, realistic } from "../../../../src/simulators/scvmm/Latency.ts"
import * as Model from "../../../../src/simulators/scvmm/Model.ts"
import * as Power from "../../../../src/simulators/scvmm/Power.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
import type { VirtualMachine } from "../../../../src/simulators/scvmm/VirtualMachine.ts"
import * as Console from "./Console.ts"
import { elapse, marker, request, uid } from "./Scenario.ts"

const created = (console: Console.Console, n: number) =>
  Effect.gen(function* () {
    const vm = yield* elapse(console.run(Verb.NewVirtualMachine, request(n)))
    yield* TestClock.adjust("300 seconds")
    return vm.Id
  })

const running = (console: Console.Console, n: number) =>
  Effect.gen(function* () {
    const id = yield* created(console, n)
    yield* elapse(console.run(Verb.StartVirtualMachine, { Id: id }))
    yield* TestClock.adjust("15 seconds")
    return id
  })

describe("removal of a VM that was taken over", () => {
  it.effect("without a marker needs a description without anybody's", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* running(console, 1)
      const remove = elapse(console.run(Verb.RemoveVirtualMachine, { Id: id, Marker: "" }))
      for (const description of [marker(1), `by hand\r\n  ${marker(2)}`, "Capscvmm/9 whatever"]) {
        yield* scvmm.outOfBand.setDescription(id, description)
        const refused = yield* Effect.flip(remove)
        assert.strictEqual(refused.fullyQualifiedErrorId, "VirtualMachineNotOwned,Remove-CapsVirtualMachine")
      }
      for (const [description, status] of [
        ["made by hand\nsays: capscvmm/1 is not ours", "PoweringOff"],
        ["", "Deleting"]
      ] as const) {
        yield* scvmm.outOfBand.setDescription(id, description)
        assert.strictEqual((yield* remove).VirtualMachine?.Status, status)
        yield* TestClock.adjust("20 seconds")
      }
      assert.deepStrictEqual(yield* remove, { Gone: true })
    })
  )
})

describe("a VM that goes while something is done to it", () => {
  const gone = (verb: string) => `VirtualMachineNotFound,${verb}`

  it.effect("is told of as gone, not as VMM's number", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: { ...realistic, get: [1, 1] } })
      const console = yield* elapse(Console.connect(scvmm.host))
      const place = { BusType: "SCSI", Bus: 0, Lun: 0 } as const
      const id = yield* created(console, 1)
      // Between the look at the VM and the look at its disk.
      const expanding = yield* Effect.forkChild(
        Effect.flip(console.run(Verb.ExpandVirtualDisk, { Id: id, ...place, SizeMB: 999_999 })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1500 millis")
      yield* scvmm.outOfBand.delete(id)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* Fiber.join(expanding)).fullyQualifiedErrorId, gone("Expand-CapsVirtualDisk"))
    })
  )

  it.effect("also when VMM cancels the job on it", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: { ...realistic, mount: [30, 30] } })
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* created(console, 1)
      const FileName = `${uid(1)}.iso`
      const Data = new Uint8Array([1, 2, 3])
      yield* elapse(console.run(Verb.ImportMedium, { FileName, Data, LibraryShare: "ISOs" }))
      const mounting = yield* Effect.forkChild(
        Effect.flip(console.run(Verb.MountMedium, { Id: id, FileName, LibraryShare: "ISOs" })),
        { startImmediately: true }
      )
      yield* TestClock.adjust("15 seconds")
      yield* scvmm.outOfBand.delete(id)
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual((yield* Fiber.join(mounting)).fullyQualifiedErrorId, gone(Verb.MountMedium.name))
    })
  )

  it.effect("is gone as wished when it was to be removed", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: realistic })
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* created(console, 1)
      yield* scvmm.outOfBand.delete(id)
      assert.deepStrictEqual(yield* elapse(console.run(Verb.RemoveVirtualMachine, { Id: id, Marker: marker(1) })), {
        Gone: true
      })
    })
  )

  it.effect("is 801 to VMM's cmdlets, which are no look-ups", () =>
    Effect.gen(function* () {
      const model = yield* Model.make({
        inventory: defaultInventory,
        latency: fast,
        seed: 1,
        boot: () => Effect.void,
        faults: [],
        infoRate: 0
      })
      // Only these fields are looked at before VMM refuses.
      const vm = { id: uid(1), state: "PowerOff", lock: undefined } as VirtualMachine
      for (const step of [Power.start(model, vm), Power.remove(model, vm), Power.stop(model, vm, "Force")]) {
        assert.match((yield* Effect.flip(step)).failure.fullyQualifiedErrorId, /^801,/u)
      }
    })
  )
})
