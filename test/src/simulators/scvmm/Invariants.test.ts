/** Whatever is asked in whatever order and at whatever time: what must hold of the model's VMs, jobs and locks. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { TestClock } from "effect/testing"
import { isActive } from "../../../../schemas/vmm/Job.ts"
import * as Verb from "../../../../schemas/vmm/Verb.ts"
import * as Scvmm from "../../../../src/simulators/scvmm/Scvmm.ts"
import * as Console from "./Console.ts"
import { elapse, marker, request, uid } from "./Scenario.ts"

/** Weighted: most of the time something is made, started or waited for; a shell is seldom deleted. */
const operations = [
  "create",
  "create",
  "create",
  "start",
  "start",
  "start",
  "start",
  "Force",
  "Shutdown",
  "Shutdown",
  "remove",
  "clean",
  "powerOff",
  "mount",
  "expand",
  "expand",
  "cut"
] as const
type Operation = (typeof operations)[number]

const Step = Schema.Struct({
  operation: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: operations.length - 1 })),
  machine: Schema.Literals([1, 2]),
  /** Seconds until the next; many at once, some long enough for a creation. */
  pause: Schema.Literals([0, 0, 1, 3, 8, 20, 60, 200])
})

/** What an operation may rightly end in. */
const expected =
  /^(640|2602|1730|VirtualMachineExists|CommitWindowElapsed|VirtualMachineNotFound|VirtualDiskNotFound)\b/u

/** Which running job explains a state; undefined for states of rest. */
const explains: Readonly<Record<string, string>> = {
  UnderCreation: "Create virtual machine",
  Starting: "Start virtual machine",
  PoweringOff: "Turn off virtual machine",
  Deleting: "Remove virtual machine"
}

/** Jobs that change hardware: the VM shows UnderUpdate. */
const updates = ["Create virtual DVD drive", "Expand virtual hard disk"]

/** Jobs that run while the power stays as it is. */
const besideState = ["Shut down virtual machine", ...updates]

const medium = "shared.iso"

const holds = (scvmm: Scvmm.Scvmm, alive: ReadonlySet<string>): void => {
  const vms = scvmm.state.virtualMachines()
  assert.deepStrictEqual(scvmm.state.everDuplicated(), [])
  for (const vm of vms) {
    const job = vm.Job !== undefined && isActive(vm.Job) ? vm.Job.Name : undefined
    const wanted = explains[vm.VirtualMachineState]
    if (wanted !== undefined) assert.strictEqual(job, wanted, vm.VirtualMachineState)
    else if (job !== undefined) assert.include(besideState, job, vm.VirtualMachineState)
    assert.strictEqual(vm.Status === "UnderUpdate", updates.includes(job ?? ""))
    const powered = vm.VirtualMachineState === "Running" || vm.VirtualMachineState === "PoweringOff"
    assert.strictEqual(alive.has(vm.VMId ?? ""), powered, `guest of a VM that is ${vm.VirtualMachineState}`)
    if (vm.VirtualMachineState !== "UnderCreation") assert.isDefined(vm.VMId)
  }
  // Each job that runs holds one VM, and no VM is held by two.
  assert.strictEqual(
    scvmm.state.jobs().filter(isActive).length,
    vms.filter((vm) => vm.Job !== undefined && isActive(vm.Job)).length
  )
}

const perform = (
  scvmm: Scvmm.Scvmm,
  console: Console.Console,
  operation: Exclude<Operation, "cut">,
  n: number
): Effect.Effect<unknown, { readonly fullyQualifiedErrorId: string }> => {
  const vm = scvmm.state.virtualMachines().find((each) => each.Name === `machine-${n}`)
  const Id = vm?.Id ?? uid(99)
  switch (operation) {
    case "create":
      return console.run(Verb.NewVirtualMachine, request(n, { CommitWithinSeconds: 20 }))
    case "start":
      return console.run(Verb.StartVirtualMachine, { Id })
    case "Force":
    case "Shutdown":
      return console.run(Verb.StopVirtualMachine, { Id, Mode: operation })
    case "remove":
      return console.run(Verb.RemoveVirtualMachine, { Id, Marker: marker(n) })
    case "mount":
      return console.run(Verb.MountMedium, { Id, FileName: medium, LibraryShare: "" })
    case "expand":
      return console.run(Verb.ExpandVirtualDisk, {
        Id,
        BusType: "SCSI",
        Bus: 0,
        Lun: 0,
        SizeMB: (vm?.Disks[0]?.MaximumSize ?? 0) / 1024 ** 2 + 1
      })
    case "clean":
      return console.run(Verb.RemoveLeftover, { MachineUid: uid(n), LibraryShare: "" })
    case "powerOff":
      return scvmm.outOfBand.powerOff(Id)
  }
}

/** Plays the steps, without waiting for one call before the next, and answers which jobs ran. */
const play = (seed: number, steps: ReadonlyArray<typeof Step.Type>) =>
  Effect.gen(function* () {
    const alive = new Set<string>()
    const scvmm = yield* Scvmm.make({
      seed,
      boot: (hardware) =>
        Effect.andThen(
          Effect.acquireRelease(
            Effect.sync(() => alive.add(hardware.vmId)),
            () => Effect.sync(() => alive.delete(hardware.vmId))
          ),
          Effect.void
        )
    })
    const console = yield* elapse(Console.connect(scvmm.host))
    yield* elapse(console.run(Verb.ImportMedium, { FileName: medium, Data: Uint8Array.of(1), LibraryShare: "" }))
    const calls: Array<Fiber.Fiber<unknown, { readonly fullyQualifiedErrorId: string }>> = []
    const cut: Array<Fiber.Fiber<void>> = []
    for (const step of steps) {
      const operation = operations[step.operation] ?? "cut"
      if (operation === "cut") {
        // The client's shell is deleted while its calls run.
        for (const call of calls) cut.push(yield* Effect.forkChild(Fiber.interrupt(call)))
      } else {
        calls.push(
          yield* Effect.forkChild(perform(scvmm, console, operation, step.machine), { startImmediately: true })
        )
      }
      for (let second = 0; second < step.pause; second += 1) {
        yield* TestClock.adjust("1 second")
        holds(scvmm, alive)
      }
    }
    // In the end everything comes to rest, and can be removed.
    for (let minute = 0; minute < 12; minute += 1) {
      yield* TestClock.adjust(Duration.minutes(1))
      holds(scvmm, alive)
    }
    assert.isFalse(scvmm.state.jobs().some(isActive))
    yield* Effect.forEach(cut, Fiber.join)
    for (const call of calls) {
      const exit = yield* Fiber.await(call)
      if (Exit.isSuccess(exit)) continue
      for (const reason of exit.cause.reasons) {
        assert.notStrictEqual(reason._tag, "Die")
        if (reason._tag === "Fail") assert.match(reason.error.fullyQualifiedErrorId, expected)
      }
    }
    for (const n of [1, 2]) {
      for (;;) {
        const vm = scvmm.state.virtualMachines().find((each) => each.Name === `machine-${n}`)
        if (vm === undefined) break
        yield* elapse(console.run(Verb.RemoveVirtualMachine, { Id: vm.Id, Marker: marker(n) }))
        yield* TestClock.adjust("20 seconds")
      }
      yield* elapse(console.run(Verb.RemoveLeftover, { MachineUid: uid(n), LibraryShare: "" }))
    }
    assert.deepStrictEqual(
      scvmm.state.leftovers(),
      scvmm.state.libraryMedia().map((path) => `medium ${path}`)
    )
    assert.deepStrictEqual([...alive], [])
    return scvmm.state.jobs().map((job) => job.Name)
  }).pipe(Effect.scoped)

describe("whatever happens", () => {
  const ran = new Map<string, number>()
  it.effect.prop(
    "a VM is in one state, held by at most one job, and a machine has one VM at most",
    { seed: Schema.Int, steps: Schema.Array(Step).check(Schema.isBetweenLength(20, 40)) },
    ({ seed, steps }) =>
      Effect.map(play(seed, steps), (names) => {
        for (const name of names) ran.set(name, (ran.get(name) ?? 0) + 1)
      }),
    { arbitrary: { runs: 40 }, timeout: 60_000 }
  )

  it("and the sequences did bring every kind of job about", () => {
    assert.includeMembers([...ran.keys()], [...Object.values(explains), ...besideState])
    assert.isAbove(ran.get("Start virtual machine") ?? 0, 10)
  })

  it.effect("the same seed gives the same ids", () =>
    Effect.gen(function* () {
      const story = Effect.gen(function* () {
        const scvmm = yield* Scvmm.make({ seed: "story" })
        const console = yield* elapse(Console.connect(scvmm.host))
        yield* elapse(console.run(Verb.NewVirtualMachine, request(1)))
        yield* TestClock.adjust("300 seconds")
        return scvmm.state.virtualMachines().map((vm) => [vm.Id, vm.VMId, vm.HostName, vm.NetworkAdapters])
      }).pipe(Effect.scoped)
      assert.deepStrictEqual(yield* story, yield* story)
    })
  )
})
