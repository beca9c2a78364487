/** Faults given as data, and what happens behind the back of our functions. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { ofInstallation } from "../../../../schemas/vmm/Marker.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
import * as Console from "./Console.ts"
import { elapse, marker, request, uid } from "./Scenario.ts"

const made = (console: Console.Console, n: number) =>
  Effect.gen(function* () {
    const { Id } = yield* elapse(console.run(Verb.NewVirtualMachine, request(n)))
    yield* TestClock.adjust("300 seconds")
    return yield* elapse(console.run(Verb.GetVirtualMachine, { Id }))
  })

describe("faults", () => {
  it.effect("a call fails with a VMM number at its nth occurrence alone", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({
        faults: [{ on: { verb: "Find-CapsVirtualMachine" }, nth: 2, outcome: { code: 2602 } }]
      })
      const console = yield* elapse(Console.connect(scvmm.host))
      const find = elapse(Effect.exit(console.run(Verb.FindVirtualMachine, { Name: "x" })))
      const outcomes = [yield* find, yield* find, yield* find]
      assert.deepStrictEqual(
        outcomes.map((exit) => exit._tag),
        ["Success", "Failure", "Success"]
      )
    })
  )

  it.effect("a creation fails: the VM stays as CreationFailed with the error in its job, and can be removed", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ faults: [{ on: { job: "Create" }, nth: 1, outcome: { code: 2912 } }] })
      const console = yield* elapse(Console.connect(scvmm.host))
      const failed = yield* made(console, 1)
      assert.strictEqual(failed.Status, "CreationFailed")
      assert.strictEqual(failed.Job?.Status, "Failed")
      assert.strictEqual(failed.Job?.ErrorCode, 2912)
      assert.isBelow(failed.Job?.Progress ?? 100, 100)
      const start = yield* Effect.flip(elapse(console.run(Verb.StartVirtualMachine, { Id: failed.Id })))
      assert.match(start.fullyQualifiedErrorId, /^1730,/u)
      const left = yield* elapse(console.run(Verb.RemoveLeftover, { MachineUid: uid(1), LibraryShare: "" }))
      assert.lengthOf(left.Removed, 1)
      yield* elapse(console.run(Verb.RemoveVirtualMachine, { Id: failed.Id, Marker: marker(1) }))
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(scvmm.state.leftovers(), [])
      assert.strictEqual((yield* made(console, 1)).Status, "PowerOff")
    })
  )

  it.effect(
    "memory out of its bounds and a disk on a template's place make CreationFailed, the reason in the job",
    () =>
      Effect.gen(function* () {
        const scvmm = yield* Scvmm.make()
        const console = yield* elapse(Console.connect(scvmm.host))
        yield* elapse(
          console.run(
            Verb.NewVirtualMachine,
            request(1, { DynamicMemoryMinimumMB: 4096, DynamicMemoryMaximumMB: 8192 })
          )
        )
        yield* elapse(console.run(Verb.NewVirtualMachine, request(2, { VMTemplate: "ubuntu-24.04-kubernetes" })))
        yield* TestClock.adjust("300 seconds")
        const jobs = scvmm.state.virtualMachines().map((vm) => [vm.Status, vm.Job?.ErrorMessage])
        assert.deepStrictEqual(
          jobs.map(([status]) => status),
          ["CreationFailed", "CreationFailed"]
        )
        assert.include(jobs[0]?.[1] ?? "", "between minimum 4096 MB and maximum 8192 MB")
        assert.include(jobs[1]?.[1] ?? "", "SCSI 0:0")
      })
  )

  it.effect("a job is stuck until somebody cancels it", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ faults: [{ on: { job: "Start" }, nth: 1, outcome: "stuck" }] })
      const console = yield* elapse(Console.connect(scvmm.host))
      const { Id } = yield* made(console, 1)
      yield* elapse(console.run(Verb.StartVirtualMachine, { Id }))
      yield* TestClock.adjust("10 hours")
      const stuck = yield* elapse(console.run(Verb.GetVirtualMachine, { Id }))
      assert.deepStrictEqual([stuck.Status, stuck.Job?.Status, stuck.Job?.Progress], ["Starting", "Running", 50])
      yield* scvmm.outOfBand.cancelJob(stuck.Job?.Id ?? "")
      const free = yield* elapse(console.run(Verb.GetVirtualMachine, { Id }))
      assert.deepStrictEqual([free.Status, free.Job?.Status], ["PowerOff", "Canceled"])
      yield* elapse(console.run(Verb.StartVirtualMachine, { Id }))
    })
  )

  it.effect("SucceedWithInfo comes as often as asked, and counts as done", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ infoRate: 1 })
      const console = yield* elapse(Console.connect(scvmm.host))
      const vm = yield* made(console, 1)
      assert.deepStrictEqual([vm.Status, vm.Job?.Status, vm.Job?.Progress], ["PowerOff", "SucceedWithInfo", 100])
    })
  )

  it.effect("a synchronous cmdlet fails as its job does", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ faults: [{ on: { job: "Import" }, nth: 1, outcome: { code: 2910 } }] })
      const console = yield* elapse(Console.connect(scvmm.host))
      const parameters = { FileName: "a.iso", Data: Uint8Array.of(1), LibraryShare: "" }
      const failed = yield* Effect.flip(elapse(console.run(Verb.ImportMedium, parameters)))
      assert.match(failed.fullyQualifiedErrorId, /^2910,.*ImportLibraryPhysicalResourceCmdlet$/u)
      assert.match(failed.message, /PS> Restart-Job -Job \(Get-VMMServer vmm\.example\.test/u)
      assert.deepStrictEqual(scvmm.state.temporaryFiles(), [])
      yield* elapse(console.run(Verb.ImportMedium, parameters))
    })
  )
})

describe("out of band", () => {
  it.effect("power-off, rename, new description, migration, deletion show at the next read", () =>
    Effect.gen(function* () {
      let alive = 0
      const scvmm = yield* Scvmm.make({
        boot: () =>
          Effect.andThen(
            Effect.sync(() => void (alive += 1)),
            Effect.addFinalizer(() => Effect.sync(() => void (alive -= 1)))
          )
      })
      const console = yield* elapse(Console.connect(scvmm.host))
      const before = yield* made(console, 1)
      const { Id } = before
      yield* elapse(console.run(Verb.StartVirtualMachine, { Id }))
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(alive, 1)
      yield* scvmm.outOfBand.powerOff(Id)
      assert.strictEqual(alive, 0)
      yield* scvmm.outOfBand.rename(Id, "other")
      yield* scvmm.outOfBand.setDescription(Id, "mine now")
      yield* scvmm.outOfBand.migrate(Id, "hv-77")
      const after = yield* elapse(console.run(Verb.GetVirtualMachine, { Id }))
      assert.deepStrictEqual(
        [after.Status, after.Name, after.Description, after.HostName, after.VMId],
        ["PowerOff", "other", "mine now", "hv-77", before.VMId]
      )
      yield* scvmm.outOfBand.delete(Id)
      const gone = yield* Effect.flip(elapse(console.run(Verb.GetVirtualMachine, { Id })))
      assert.match(gone.fullyQualifiedErrorId, /^VirtualMachineNotFound,/u)
      assert.deepStrictEqual(yield* elapse(console.run(Verb.RemoveVirtualMachine, { Id, Marker: marker(1) })), {
        Gone: true
      })
    })
  )

  it.effect("deleting a VM ends the job that builds it", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const { Id } = yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
      yield* scvmm.outOfBand.delete(Id)
      yield* TestClock.adjust("300 seconds")
      assert.deepStrictEqual(scvmm.state.virtualMachines(), [])
      assert.deepStrictEqual(
        scvmm.state.jobs().map((job) => job.Status),
        ["Canceled"]
      )
    })
  )

  it.effect("duplicates of a name are found by name; those of a marker are told of", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const { Id } = yield* made(console, 1)
      const nameOnly = yield* scvmm.outOfBand.duplicate(Id, { description: false })
      assert.deepStrictEqual(scvmm.state.duplicates(), [])
      const whole = yield* scvmm.outOfBand.duplicate(Id)
      assert.deepStrictEqual(scvmm.state.duplicates(), [{ uid: uid(1), ids: [Id, whole ?? ""] }])
      yield* scvmm.outOfBand.delete(whole ?? "")
      assert.deepStrictEqual(scvmm.state.duplicates(), [])
      assert.deepStrictEqual(scvmm.state.everDuplicated(), [uid(1)])
      const found = yield* elapse(console.run(Verb.FindVirtualMachine, { Name: "machine-1" }))
      assert.deepStrictEqual(
        found.VirtualMachines.map((vm) => vm.Id),
        [Id, nameOnly]
      )
    })
  )
})

describe("lists", () => {
  it.effect("come in pages of 200, by marker or by id, and say what is missing", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const { Id } = yield* made(console, 1)
      for (let n = 0; n < 450; n += 1) yield* scvmm.outOfBand.duplicate(Id)
      yield* scvmm.outOfBand.duplicate(Id, { description: false })
      const pages = yield* elapse(
        console.runAll(Verb.GetVirtualMachineList, {
          MarkerText: ofInstallation("22222222-2222-4222-8222-222222222222")
        })
      )
      assert.deepStrictEqual(
        pages.map((page) => page.VirtualMachines.length),
        [200, 200, 51]
      )
      const some = yield* elapse(console.run(Verb.GetVirtualMachineList, { Ids: [uid(9), Id.toUpperCase()] }))
      assert.deepStrictEqual(some.Missing, [uid(9)])
      assert.deepStrictEqual(
        some.VirtualMachines.map((vm) => vm.Id),
        [Id]
      )
      assert.deepStrictEqual(yield* elapse(console.runAll(Verb.GetVirtualMachineList, { Ids: [] })), [
        { VirtualMachines: [], Missing: [] }
      ])
    })
  )
})
