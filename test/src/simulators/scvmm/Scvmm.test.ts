/** The life of VMs in the model: creation, start, media, stop and removal, on virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { Credential } from "../../../../schemas/vmm/Credential.ts"
import { ConnectServer } from "../../../../schemas/vmm/Verb.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import * as Module from "../../../../layers/scvmm/Module.ts"
import { definitions } from "../../../../src/simulators/scvmm/ModelHost.ts"
import type { Hardware } from "../../../../src/simulators/guest/Guest.ts"
import { realistic, scaled } from "../../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
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

const get = (console: Console.Console, id: string) => elapse(console.run(Verb.GetVirtualMachine, { Id: id }))

describe("session", () => {
  it.effect("connects and says where", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.open(scvmm.host))
      const answer = yield* elapse(
        console.run(ConnectServer, { VMMServer: "VMM.example.test", ...Console.credentials })
      )
      assert.strictEqual(answer.Name, "vmm.example.test")
      assert.strictEqual(answer.ComputerName, "exec1.example.test")
      assert.deepStrictEqual([...scvmm.state.calls()], [["Connect-CapsServer", 1]])
    })
  )

  it.effect("knows the functions of the real module by their definitions", () =>
    Effect.gen(function* () {
      const defined = definitions(yield* Module.text)
      for (const verb of Console.verbs) assert.include(defined, verb.name.toLowerCase())
      assert.deepStrictEqual(definitions("# function Get-Nothing {\n$x = 'function'; Get-Item"), [])
    })
  )

  it.effect("refuses a wrong server, a wrong password, an unknown function, and calls before the connection", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.open(scvmm.host))
      const failure = <A>(effect: Effect.Effect<A, { readonly fullyQualifiedErrorId: string }>) =>
        Effect.map(Effect.flip(elapse(effect)), (error) => error.fullyQualifiedErrorId.split(",")[0])
      assert.strictEqual(yield* failure(console.run(Verb.GetVirtualMachine, { Id: uid(1) })), "1615")
      assert.strictEqual(
        yield* failure(console.run(ConnectServer, { VMMServer: "other", ...Console.credentials })),
        "1602"
      )
      assert.strictEqual(
        yield* failure(
          console.run(ConnectServer, {
            VMMServer: Console.server,
            Credential: new Credential({ userName: Console.userName, password: Redacted.make("wrong") })
          })
        ),
        "1604"
      )
      const bare = Console.consoleOf(yield* elapse(scvmm.host.open({ userName: "", shellId: "" })))
      assert.strictEqual(yield* failure(bare.run(Verb.GetVirtualMachine, { Id: uid(1) })), "CommandNotFoundException")
    })
  )

  it.effect("binds parameters as PowerShell does", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const call = (parameters: ReadonlyArray<{ readonly name?: string; readonly value: string | null }>) =>
        Effect.map(
          Effect.flip(
            elapse(Console.collect(console.runspace, [{ name: "get-capsvirtualmachine", isScript: false, parameters }]))
          ),
          (error) => error.fullyQualifiedErrorId
        )
      assert.strictEqual(yield* call([{ name: "id", value: uid(9) }]), "VirtualMachineNotFound,Get-CapsVirtualMachine")
      assert.strictEqual(yield* call([{ name: "Nope", value: "" }]), "NamedParameterNotFound,Get-CapsVirtualMachine")
      assert.strictEqual(yield* call([]), "MissingMandatoryParameter,Get-CapsVirtualMachine")
      assert.strictEqual(yield* call([{ name: "Id", value: null }]), "MissingMandatoryParameter,Get-CapsVirtualMachine")
      assert.strictEqual(
        yield* call([{ name: "Id", value: "no guid" }]),
        "ParameterArgumentTransformationError,Get-CapsVirtualMachine"
      )
      assert.strictEqual(
        yield* call([{ name: "Id", value: "" }]),
        "ParameterArgumentValidationErrorEmptyStringNotAllowed,Get-CapsVirtualMachine"
      )
    })
  )
})

describe("creation", () => {
  it.effect("goes from UnderCreation to PowerOff, VMId coming with the host", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ infoRate: 0 })
      const console = yield* elapse(Console.connect(scvmm.host))
      const vm = yield* elapse(console.run(Verb.NewVirtualMachine, request(1, { Description: "by hand" })))
      assert.strictEqual(vm.Status, "UnderCreation")
      assert.isUndefined(vm.VMId)
      assert.isUndefined(vm.HostName)
      assert.strictEqual(vm.Job?.Status, "Running")
      assert.strictEqual(vm.Description, `by hand\n${marker(1)}`)
      assert.deepStrictEqual(vm.Disks, [])
      const found = yield* elapse(console.run(Verb.FindVirtualMachine, { Name: "MACHINE-1" }))
      assert.deepStrictEqual(
        found.VirtualMachines.map((each) => each.Id),
        [vm.Id]
      )
      assert.deepStrictEqual(
        found.CreationJobs.map((job) => job.Id),
        [vm.Job?.Id]
      )
      let last = 0
      let withoutDisks = 0
      for (;;) {
        const now = yield* get(console, vm.Id)
        if (now.Status !== "UnderCreation") break
        const progress = now.Job?.Progress ?? 0
        assert.isAtLeast(progress, last)
        last = progress
        if (now.VMId !== undefined && now.Disks.length < 2) withoutDisks += 1
        yield* TestClock.adjust("1 second")
      }
      assert.isAbove(withoutDisks, 0)
      const done = yield* get(console, vm.Id)
      assert.strictEqual(done.Status, "PowerOff")
      assert.strictEqual(done.Job?.Status, "Completed")
      assert.strictEqual(done.Job?.Progress, 100)
      assert.match(done.VMId ?? "", /^[0-9A-F-]{36}$/u)
      assert.isDefined(done.BiosGuid)
      assert.include(
        ["hv-01.example.test", "hv-02.example.test", "hv-03.example.test", "hv-04.example.test"],
        done.HostName
      )
      assert.deepStrictEqual(
        done.Disks.map((disk) => [disk.BusType, disk.Lun, disk.FileName, disk.MaximumSize]),
        [
          ["SCSI", 0, "machine-1_disk_1.vhdx", 10 * 1024 ** 3],
          ["SCSI", 1, "machine-1_disk_2.vhdx", 20 * 1024 ** 3]
        ]
      )
      assert.deepStrictEqual(
        done.NetworkAdapters.map((adapter) => adapter.VMNetwork),
        ["kubernetes"]
      )
    })
  )

  it.effect("leaves the temporary template, which is locked until the job has ended", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const clean = elapse(console.run(Verb.RemoveLeftover, { MachineUid: uid(1), LibraryShare: "" }))
      yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
      const template = `Temporary Template ${uid(1)}`
      assert.deepStrictEqual(scvmm.state.temporaryTemplates(), [template])
      assert.deepStrictEqual(yield* clean, { Removed: [], Remaining: [template] })
      yield* TestClock.adjust("300 seconds")
      assert.deepStrictEqual(yield* clean, { Removed: [template], Remaining: [] })
      assert.deepStrictEqual(scvmm.state.temporaryTemplates(), [])
    })
  )

  it.effect("takes shape and disks from a template, with place-holders", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const vm = yield* elapse(
        console.run(
          Verb.NewVirtualMachine,
          request(1, {
            VMTemplate: "ubuntu-24.04-kubernetes",
            HardwareProfile: "ignored",
            OperatingSystem: "ignored",
            Disks: [
              { SizeMB: 0, Dynamic: true },
              { SizeMB: 1024, Dynamic: false }
            ]
          })
        )
      )
      assert.deepStrictEqual(scvmm.state.temporaryTemplates(), [])
      yield* TestClock.adjust("300 seconds")
      const done = yield* get(console, vm.Id)
      assert.deepStrictEqual(
        done.Disks.map((disk) => [disk.Lun, disk.FileName, disk.Size]),
        [
          [0, "ubuntu-24.04.vhdx", 2 * 1024 ** 3],
          [1, "machine-1_disk_2.vhdx", 1024 ** 3]
        ]
      )
    })
  )

  it.effect("generation 1 boots from IDE and has its DVD on IDE 1:0", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const change = {
        HardwareProfile: "kubernetes-gen1",
        Disks: [
          { SizeMB: 0, Dynamic: true, VHDisk: "debian-12-gen1.vhd" },
          { SizeMB: 1024, Dynamic: true }
        ]
      }
      const vm = yield* elapse(console.run(Verb.NewVirtualMachine, request(1, change)))
      yield* TestClock.adjust("300 seconds")
      const done = yield* get(console, vm.Id)
      assert.deepStrictEqual(
        done.Disks.map((disk) => [disk.BusType, disk.Lun]),
        [
          ["IDE", 0],
          ["SCSI", 1]
        ]
      )
      const refused = yield* Effect.flip(
        elapse(console.run(Verb.NewVirtualMachine, request(2, { ...change, HardwareProfile: "kubernetes-gen2" })))
      )
      assert.match(refused.fullyQualifiedErrorId, /^23352,/u)
    })
  )

  it.effect("refuses a second VM of one machine and one that comes too late; neither leaves a template", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const late = yield* Effect.flip(
        elapse(console.run(Verb.NewVirtualMachine, request(1, { CommitWithinSeconds: 3 })))
      )
      assert.strictEqual(late.fullyQualifiedErrorId, "CommitWindowElapsed,New-CapsVirtualMachine")
      assert.deepStrictEqual(scvmm.state.temporaryTemplates(), [])
      const id = yield* created(console, 1)
      const again = yield* Effect.flip(elapse(console.run(Verb.NewVirtualMachine, request(1))))
      assert.strictEqual(again.fullyQualifiedErrorId, "VirtualMachineExists,New-CapsVirtualMachine")
      assert.strictEqual(again.targetObject, JSON.stringify({ Ids: [id] }))
      assert.lengthOf(scvmm.state.virtualMachines(), 1)
    })
  )

  it.effect("two sessions that create the same machine at once make one VM", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const one = yield* elapse(Console.connect(scvmm.host))
      const two = yield* elapse(Console.connect(scvmm.host))
      const outcomes = yield* elapse(
        Effect.all(
          [one, two].map((console) => Effect.exit(console.run(Verb.NewVirtualMachine, request(1)))),
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual(outcomes.map((exit) => exit._tag).toSorted(), ["Failure", "Success"])
      assert.lengthOf(scvmm.state.virtualMachines(), 1)
      assert.deepStrictEqual(scvmm.state.everDuplicated(), [])
    })
  )

  it.effect(
    "a pipeline stopped while it prepares leaves its template, one stopped while it commits leaves its VM",
    () =>
      Effect.gen(function* () {
        const scvmm = yield* Scvmm.make({
          latency: {
            ...scaled(realistic, 0),
            template: [1, 1],
            placement: [10, 10],
            commit: [5, 5],
            create: [100, 100]
          }
        })
        const console = yield* elapse(Console.connect(scvmm.host))
        const cut = (n: number, after: number) =>
          Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(console.run(Verb.NewVirtualMachine, request(n)))
            yield* TestClock.adjust(after * 1000)
            const end = yield* Effect.forkChild(Fiber.interrupt(fiber))
            yield* TestClock.adjust("30 seconds")
            yield* Fiber.join(end)
          })
        yield* cut(1, 5)
        assert.deepStrictEqual(scvmm.state.virtualMachines(), [])
        yield* cut(2, 13)
        assert.deepStrictEqual(
          scvmm.state.virtualMachines().map((vm) => vm.Name),
          ["machine-2"]
        )
        assert.lengthOf(scvmm.state.temporaryTemplates(), 2)
        // The mutex was given back.
        yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
      })
  )
})

describe("power", () => {
  it.effect("starts, reports what the guest says, stops both ways, and the guest's scope closes", () =>
    Effect.gen(function* () {
      const ended: Array<string> = []
      const booted = yield* Deferred.make<Hardware>()
      const scvmm = yield* Scvmm.make({
        infoRate: 0,
        boot: (hardware) =>
          Effect.gen(function* () {
            yield* Effect.addFinalizer(() => Effect.sync(() => void ended.push(hardware.name)))
            yield* Deferred.succeed(booted, hardware)
            yield* Effect.sleep("30 seconds")
            yield* hardware.report({
              computerName: "guest-1",
              addresses: [{ slot: 0, ipv4: ["10.0.0.5"], ipv6: ["fd00::5"] }]
            })
          })
      })
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* created(console, 1)
      const starting = yield* elapse(console.run(Verb.StartVirtualMachine, { Id: id }))
      assert.strictEqual(starting.Status, "Starting")
      assert.strictEqual(starting.Job?.Cmdlet, "Start-SCVirtualMachine")
      yield* TestClock.adjust("15 seconds")
      const up = yield* get(console, id)
      assert.strictEqual(up.Status, "Running")
      assert.deepStrictEqual(up.NetworkAdapters[0]?.IPv4Addresses, [])
      assert.strictEqual((yield* Deferred.await(booted)).vmId, up.VMId)
      yield* TestClock.adjust("30 seconds")
      const reported = yield* get(console, id)
      assert.strictEqual(reported.ComputerName, "guest-1")
      assert.deepStrictEqual(reported.NetworkAdapters[0]?.IPv4Addresses, ["10.0.0.5"])
      assert.deepStrictEqual(reported.NetworkAdapters[0]?.IPv6Addresses, ["fd00::5"])

      const again = yield* elapse(console.run(Verb.StartVirtualMachine, { Id: id }))
      assert.strictEqual(again.Job?.Id, up.Job?.Id)

      const shutting = yield* elapse(console.run(Verb.StopVirtualMachine, { Id: id, Mode: "Shutdown" }))
      assert.strictEqual(shutting.VirtualMachineState, "Running")
      assert.deepStrictEqual(ended, [])
      yield* TestClock.adjust("60 seconds")
      const off = yield* get(console, id)
      assert.strictEqual(off.Status, "PowerOff")
      assert.deepStrictEqual(off.NetworkAdapters[0]?.IPv4Addresses, [])
      assert.deepStrictEqual(ended, ["machine-1"])

      yield* elapse(console.run(Verb.StartVirtualMachine, { Id: id }))
      yield* TestClock.adjust("15 seconds")
      const stopping = yield* elapse(console.run(Verb.StopVirtualMachine, { Id: id, Mode: "Force" }))
      assert.strictEqual(stopping.Status, "PoweringOff")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* get(console, id)).Status, "PowerOff")
      assert.deepStrictEqual(ended, ["machine-1", "machine-1"])
    })
  )

  it.effect("a job goes on when the session that began it is gone", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const id = yield* Effect.scoped(
        Effect.gen(function* () {
          const console = yield* elapse(Console.connect(scvmm.host))
          return (yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))).Id
        })
      )
      yield* TestClock.adjust("300 seconds")
      assert.strictEqual(scvmm.state.virtualMachines().find((vm) => vm.Id === id)?.Status, "PowerOff")
    })
  )

  it.effect("one job at a time: 2602 in VMM's shape", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const { Id } = yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
      const locked = yield* Effect.flip(elapse(console.run(Verb.StartVirtualMachine, { Id })))
      assert.strictEqual(
        locked.fullyQualifiedErrorId,
        "2602,Microsoft.SystemCenter.VirtualMachineManager.Cmdlets.StartVmCmdlet"
      )
      assert.strictEqual(locked.exceptionType, "Microsoft.VirtualManager.Utils.CarmineException")
      assert.strictEqual(locked.reason, "CarmineException")
      assert.match(locked.message, /\(Error ID: 2602, Detailed Error: \)\r\n\r\nTo find out/u)
    })
  )
})

describe("removal", () => {
  it.effect("stops, then removes, then says that it is gone; another's VM is left alone", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* running(console, 1)
      const remove = elapse(console.run(Verb.RemoveVirtualMachine, { Id: id, Marker: marker(1) }))
      const foreign = yield* Effect.flip(elapse(console.run(Verb.RemoveVirtualMachine, { Id: id, Marker: marker(2) })))
      assert.strictEqual(foreign.fullyQualifiedErrorId, "VirtualMachineNotOwned,Remove-CapsVirtualMachine")
      const states: Array<string> = []
      for (let step = 0; step < 20; step += 1) {
        const answer = yield* remove
        states.push(answer.Gone ? "gone" : (answer.VirtualMachine?.Status ?? ""))
        if (answer.Gone) break
        yield* TestClock.adjust("20 seconds")
      }
      assert.deepStrictEqual(states, ["PoweringOff", "Deleting", "gone"])
      assert.deepStrictEqual(scvmm.state.virtualMachines(), [])
      assert.strictEqual(
        (yield* Effect.flip(get(console, id))).fullyQualifiedErrorId,
        "VirtualMachineNotFound,Get-CapsVirtualMachine"
      )
    })
  )
})

describe("media", () => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 251)
  const FileName = `${uid(1)}.iso`
  const given = (LibraryShare = "ISOs") => ({ FileName, Data: bytes, LibraryShare })
  const imported = (console: Console.Console, LibraryShare?: string) =>
    elapse(console.run(Verb.ImportMedium, given(LibraryShare)))

  it.effect("are imported, mounted, read by the guest, and removed", () =>
    Effect.gen(function* () {
      const seen: Array<Uint8Array> = []
      const scvmm = yield* Scvmm.make({ boot: (hardware) => Effect.sync(() => void seen.push(...hardware.media)) })
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* created(console, 1)
      const { SharePath } = yield* imported(console)
      assert.strictEqual(SharePath, `\\\\library.example.test\\MSSCVMMLibrary\\ISOs\\${FileName}`)
      assert.deepStrictEqual(scvmm.state.temporaryFiles(), [])
      const mounted = yield* elapse(console.run(Verb.MountMedium, { Id: id, FileName, LibraryShare: "ISOs" }))
      assert.deepStrictEqual(mounted.DvdDrives, [{ Bus: 0, Lun: 2, IsoFileName: FileName }])
      const left = yield* elapse(console.run(Verb.RemoveLeftover, { MachineUid: uid(1), LibraryShare: "ISOs" }))
      assert.deepStrictEqual(left.Removed, [`Temporary Template ${uid(1)}`, SharePath])
      assert.deepStrictEqual(scvmm.state.libraryMedia(), [])
      yield* elapse(console.run(Verb.StartVirtualMachine, { Id: id }))
      yield* TestClock.adjust("15 seconds")
      assert.deepStrictEqual(seen, [bytes])
    })
  )

  it.effect("need a plain file name, and a share that exists and is writable", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* created(console, 1)
      const idOf = <A>(effect: Effect.Effect<A, { readonly fullyQualifiedErrorId: string }>) =>
        Effect.map(Effect.flip(effect), (error) => error.fullyQualifiedErrorId.split(",")[0])
      const named = { ...given(), FileName: "..\\x.iso" }
      assert.strictEqual(yield* idOf(elapse(console.run(Verb.ImportMedium, named))), "MediumNameInvalid")
      assert.strictEqual(yield* idOf(imported(console, "\\\\library.example.test\\Vendor")), "LibraryShareNotFound")
      assert.strictEqual(
        yield* idOf(imported(console, "\\\\library.example.test\\MSSCVMMLibrary3\\x")),
        "LibraryShareNotFound"
      )
      const there = yield* imported(console, "\\\\library.example.test\\MSSCVMMLibrary2\\x\\")
      assert.strictEqual(there.SharePath, `\\\\library.example.test\\MSSCVMMLibrary2\\x\\${FileName}`)
      assert.strictEqual(
        yield* idOf(elapse(console.run(Verb.MountMedium, { Id: id, FileName, LibraryShare: "ISOs" }))),
        "MediumNotFound"
      )
    })
  )

  it.effect("lie on the exec host for the time of the import alone, also of one that is cut off", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make({ latency: { ...realistic, import: [10, 10] } })
      const console = yield* elapse(Console.connect(scvmm.host))
      const files = () => scvmm.state.temporaryFiles().map((file) => file.fileName)
      const begin = Effect.forkChild(console.run(Verb.ImportMedium, given()), { startImmediately: true })
      const [whole, cut] = [yield* begin, yield* begin]
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(files(), [FileName, FileName])
      yield* Fiber.interrupt(cut)
      assert.deepStrictEqual(files(), [FileName])
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.join(whole)
      assert.deepStrictEqual(files(), [])
    })
  )

  it.effect("that a killed import left go an hour later, with the next session on their host", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const second = scvmm.execHost("exec2.example.test")
      assert.isDefined(second)
      const files = () => scvmm.state.temporaryFiles().map((file) => [file.execHost.slice(0, 5), file.fileName])
      yield* scvmm.outOfBand.leaveMedium("exec1.example.test", FileName)
      yield* scvmm.outOfBand.leaveMedium("exec2.example.test", FileName)
      yield* TestClock.adjust("59 minutes")
      yield* scvmm.outOfBand.leaveMedium("exec2.example.test", "young.iso")
      yield* elapse(Console.connect(second ?? scvmm.host))
      assert.lengthOf(files(), 3)
      yield* TestClock.adjust("1 minute")
      yield* elapse(Console.connect(second ?? scvmm.host))
      assert.deepStrictEqual(files(), [
        ["exec1", FileName],
        ["exec2", "young.iso"]
      ])
    })
  )

  it.effect("need a drive that only a VM that is off can get: 640", () =>
    Effect.gen(function* () {
      const scvmm = yield* Scvmm.make()
      const console = yield* elapse(Console.connect(scvmm.host))
      const id = yield* running(console, 1)
      yield* imported(console)
      const refused = yield* Effect.flip(
        elapse(console.run(Verb.MountMedium, { Id: id, FileName, LibraryShare: "ISOs" }))
      )
      assert.match(refused.fullyQualifiedErrorId, /^640,/u)
    })
  )
})
