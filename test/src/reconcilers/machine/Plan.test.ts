import { assert, describe, it } from "@effect/vitest"
import type { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import type { Observed, Step } from "../../../../src/reconcilers/machine/Plan.ts"
import { plan } from "../../../../src/reconcilers/machine/Plan.ts"
import { virtualMachine } from "../Objects.ts"
import { rich } from "../Rich.ts"
import { AnyVirtualMachine, atWork, broken, Idle, Observation, observed, off } from "./Observations.ts"

const creation = { execHost: "exec-1", shellId: "s", startedAt: "2026-01-01T00:00:00Z" }
const growth = { busType: "SCSI", bus: 0, lun: 1, sizeMB: 20_480 } as const
const wait = { reason: "WaitingForBootstrapData", message: "" }

const fresh: Observed = {
  deleting: false,
  finalizer: true,
  nameStored: true,
  id: undefined,
  creation: undefined,
  wasUp: false,
  call: undefined,
  sighting: { _tag: "Unknown" },
  wait: undefined,
  seed: "missing",
  growth: undefined,
  powerPolicy: "Report"
}

const busy = (vm: VirtualMachine): boolean => {
  const states: ReadonlyArray<string> = atWork
  const job = vm.Job?.Status
  return (
    states.includes(vm.Status) || states.includes(vm.VirtualMachineState) || job === "Running" || job === "NotStarted"
  )
}

/** Nothing but the VM decides. */
const holding = { finalizer: true, deleting: false, call: undefined } as const

const present = (vm: VirtualMachine): Pick<Observed, "id" | "sighting"> => ({
  id: vm.Id,
  sighting: { _tag: "Present", vm, owned: true }
})

const seen = (vm: VirtualMachine, change: Partial<Observed> = {}): Observed => ({
  ...fresh,
  ...present(vm),
  ...change
})

const tags = (...names: ReadonlyArray<Step["_tag"]>): ReadonlyArray<string> => names

/** Steps that send a command which changes something in VMM. */
const commands = tags("Create", "Expand", "Seed", "Start", "Remove")

describe("Plan: whatever is observed", () => {
  it.prop(
    "a known id leads to no creation",
    { it: Observation },
    (given) => {
      const now = observed(given.it)
      const tag = plan(now)._tag
      if (now.id !== undefined) assert.notInclude(tags("Create", "ReserveName", "Recover"), tag)
    },
    rich
  )

  it.prop(
    "a recorded attempt is looked for before anything else is made",
    { it: Observation },
    (given) => {
      const now = observed(given.it, {
        id: undefined,
        sighting: { _tag: "Unknown" },
        creation,
        call: undefined,
        finalizer: true
      })
      assert.deepStrictEqual(plan(now), { _tag: "Recover", creation })
    },
    rich
  )

  it.prop(
    "what was up is never seeded, and started by policy alone",
    { it: Observation, vm: Idle },
    (given) => {
      const now = observed(given.it, { ...holding, wasUp: true, ...present(given.vm) })
      const tag = plan(now)._tag
      assert.notInclude(tags("Seed", "Expand"), tag)
      if (now.powerPolicy === "Report") assert.notStrictEqual(tag, "Start")
    },
    rich
  )

  it.prop(
    "a VM that is not ours is never commanded",
    { it: Observation, vm: AnyVirtualMachine },
    (given) => {
      const now = observed(given.it, { id: given.vm.Id, sighting: { _tag: "Present", vm: given.vm, owned: false } })
      const step = plan(now)
      assert.notInclude(commands, step._tag)
      if (now.call !== undefined || (!now.finalizer && !now.deleting)) return
      assert.strictEqual(step._tag, now.deleting ? "Disown" : "Refuse")
    },
    rich
  )

  it.prop(
    "a VM on which VMM works is never commanded",
    { it: Observation, vm: AnyVirtualMachine },
    (given) => {
      const now = observed(given.it, present(given.vm))
      if (busy(given.vm)) assert.notInclude(commands, plan(now)._tag)
    },
    rich
  )

  it.prop(
    "one call of a machine at a time",
    { it: Observation },
    (given) => {
      const now = observed(given.it, { call: "create", finalizer: true })
      assert.deepStrictEqual(plan(now), { _tag: "AwaitCall", call: "create" })
    },
    rich
  )

  it.prop(
    "nothing is done before the finalizer holds the object",
    { it: Observation },
    (given) => {
      const now = observed(given.it, { finalizer: false, deleting: false })
      assert.deepStrictEqual(plan(now), { _tag: "AddFinalizer" })
    },
    rich
  )

  it.prop(
    "nothing is made or seeded while there is something to wait for",
    { it: Observation, vm: Idle },
    (given) => {
      const none = observed(given.it, { ...holding, wait })
      for (const now of [none, { ...none, ...present(given.vm) }]) {
        assert.notInclude(tags("Create", "ReserveName", "Seed"), plan(now)._tag)
      }
    },
    rich
  )

  it.prop(
    "a command fits the power state",
    { it: Observation, vm: AnyVirtualMachine },
    (given) => {
      const now = observed(given.it, { ...holding, ...present(given.vm) })
      const states: ReadonlyArray<string> = off
      const failed: ReadonlyArray<string> = broken
      const step = plan(now)
      if (step._tag === "Start" || step._tag === "Seed" || step._tag === "Expand") {
        assert.include(states, given.vm.VirtualMachineState)
        assert.notInclude(failed, given.vm.Status)
      }
      if (step._tag === "Seed") {
        assert.strictEqual(now.seed, "missing")
        assert.strictEqual(step.vmId, given.vm.VMId)
      }
      if (step._tag === "Settle") assert.strictEqual(given.vm.VirtualMachineState, "Running")
    },
    rich
  )

  it.prop(
    "a first start has its seed, if wanted, and disks of full size",
    { it: Observation, vm: Idle },
    (given) => {
      const now = observed(given.it, { ...holding, wasUp: false, ...present(given.vm) })
      if (plan(now)._tag !== "Start") return
      assert.notStrictEqual(now.seed, "missing")
      assert.isUndefined(now.growth)
    },
    rich
  )
})

describe("Plan: a deletion", () => {
  it.prop(
    "makes, seeds and starts nothing, whatever is waited for",
    { it: Observation },
    (given) => {
      const now = observed(given.it, { deleting: true })
      const step = plan(now)
      assert.include(tags("AwaitCall", "Recover", "AwaitJob", "Remove", "Release", "Disown"), step._tag)
      assert.deepStrictEqual(plan({ ...now, wait, wasUp: !now.wasUp, seed: "missing", powerPolicy: "PowerOn" }), step)
    },
    rich
  )

  it.prop(
    "is over when VMM has no such VM, and when nothing was ever tried",
    { it: Observation },
    (given) => {
      const now = observed(given.it, { deleting: true, call: undefined })
      assert.deepStrictEqual(plan({ ...now, id: "x", sighting: { _tag: "Absent" } }), { _tag: "Release" })
      assert.deepStrictEqual(plan({ ...now, id: undefined, sighting: { _tag: "Unknown" }, creation: undefined }), {
        _tag: "Release"
      })
    },
    rich
  )

  it.prop(
    "removes our VM in every state that VMM does not work on",
    { vm: AnyVirtualMachine },
    ({ vm }) => {
      assert.strictEqual(plan(seen(vm, { deleting: true }))._tag, busy(vm) ? "AwaitJob" : "Remove")
    },
    rich
  )
})

describe("Plan: the table", () => {
  const running = virtualMachine({ Status: "Running", VirtualMachineState: "Running" })
  const offVm = virtualMachine()
  const { VMId: _, ...placed } = offVm
  const job = { Id: "j", Name: "Create virtual machine", Progress: 7, StartTime: "2026-01-01T00:00:00Z" }
  it.each<[string, Observed, Step["_tag"]]>([
    ["a new machine gets a finalizer", { ...fresh, finalizer: false }, "AddFinalizer"],
    ["waits for what is not there", { ...fresh, wait }, "Wait"],
    ["then its name is stored", { ...fresh, nameStored: false }, "ReserveName"],
    ["then the VM is made", fresh, "Create"],
    ["an attempt that nobody saw end", { ...fresh, creation }, "Recover"],
    ["the VM is being made", seen(virtualMachine({ Status: "UnderCreation" })), "AwaitJob"],
    ["its job runs", seen(virtualMachine({ Job: { ...job, Status: "Running" } })), "AwaitJob"],
    ["its job is queued", seen(virtualMachine({ Job: { ...job, Status: "NotStarted" } })), "AwaitJob"],
    ["its job is over", seen(virtualMachine({ Job: { ...job, Status: "Completed" } })), "Seed"],
    ["a failed job is over", seen(virtualMachine({ Job: { ...job, Status: "Failed" } })), "Seed"],
    ["no VMId yet", seen(placed), "AwaitJob"],
    ["off and not seeded", seen(offVm), "Seed"],
    ["off, a disk is too small", seen(offVm, { growth }), "Expand"],
    ["up, a disk is too small", seen(running, { growth }), "Settle"],
    ["off and not seeded, but no data yet", seen(offVm, { wait }), "Wait"],
    ["off and seeded", seen(offVm, { seed: "mounted" }), "Start"],
    ["off and seeded, though something is waited for", seen(offVm, { seed: "mounted", wait }), "Start"],
    ["off, no seed wanted", seen(offVm, { seed: "unwanted" }), "Start"],
    ["up", seen(running), "Settle"],
    ["up again after a move, without a status", seen(running, { wasUp: true }), "Settle"],
    ["switched off outside", seen(offVm, { wasUp: true }), "Report"],
    ["switched off outside, to be powered on", seen(offVm, { wasUp: true, powerPolicy: "PowerOn" }), "Start"],
    ["saved by somebody", seen(virtualMachine({ VirtualMachineState: "Saved" })), "Report"],
    ["in a state that we never heard of", seen(virtualMachine({ VirtualMachineState: "Frobnicated" })), "Report"],
    ["creation failed", seen(virtualMachine({ Status: "CreationFailed" })), "Report"],
    ["gone", { ...fresh, id: "x", sighting: { _tag: "Absent" } }, "Report"],
    ["gone though it was never up", { ...fresh, id: "x", nameStored: false, sighting: { _tag: "Absent" } }, "Report"],
    ["somebody else's", { ...fresh, id: "x", sighting: { _tag: "Present", vm: offVm, owned: false } }, "Refuse"],
    ["deleted while it is made", seen(virtualMachine({ Status: "UnderCreation" }), { deleting: true }), "AwaitJob"],
    ["deleted while up", seen(running, { deleting: true }), "Remove"],
    ["deleted while a call runs", { ...fresh, deleting: true, call: "create" }, "AwaitCall"],
    ["deleted after a cut", { ...fresh, deleting: true, creation }, "Recover"]
  ])("%s", (_name, now, tag) => {
    assert.strictEqual(plan(now)._tag, tag)
  })

  it.each(["Running", "UnderMigration", "UnderUpdate", "CreatingCheckpoint", "MigrationFailed", "UpdateFailed"])(
    "a VM that runs is settled while VMM says %s, with a job or without",
    (Status) => {
      const job = { Id: "j", Name: "Live migrate", Status: "Running", Progress: 40, StartTime: "2026-01-01T00:00:00Z" }
      const vm = virtualMachine({ Status, VirtualMachineState: "Running" })
      for (const it of [vm, { ...vm, Job: job }]) {
        for (const wasUp of [true, false]) assert.strictEqual(plan(seen(it, { wasUp }))._tag, "Settle")
      }
    }
  )

  it.each(["Missing", "HostNotResponding", "DbOnly", "Unsupported"])("a VM that VMM calls %s is reported", (Status) => {
    const step = plan(seen(virtualMachine({ Status, VirtualMachineState: "Running" }), { wasUp: true }))
    assert.deepInclude(step, { _tag: "Report", reason: "VirtualMachineLost" })
    assert.include(step._tag === "Report" ? step.message : "", Status)
  })

  it("waits for a VM that exists as for none", () => {
    assert.deepStrictEqual(plan({ ...fresh, wait }), { _tag: "Wait", wait, vm: undefined })
    assert.deepStrictEqual(plan(seen(offVm, { wait })), { _tag: "Wait", wait, vm: offVm })
  })

  it("says what failed, and what a person can do", () => {
    const failed = { ...job, Status: "Failed", ErrorMessage: "no space left on CSV1 (2606)" }
    const step = plan(seen(virtualMachine({ Status: "CreationFailed", Job: failed })))
    assert.strictEqual(step._tag, "Report")
    if (step._tag !== "Report") return
    assert.strictEqual(step.reason, "VmFailed")
    assert.include(step.message, "CreationFailed")
    assert.include(step.message, "no space left on CSV1 (2606)")
    const gone = plan({ ...fresh, id: "0d3a", sighting: { _tag: "Absent" } })
    assert.deepInclude(gone, { _tag: "Report", reason: "VirtualMachineNotFound" })
    if (gone._tag === "Report") assert.include(gone.message, "0d3a")
  })
})
