import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../../schemas/kube/Condition.ts"
import { merge } from "../../../../schemas/kube/Condition.ts"
import * as Conditions from "../../../../src/reconcilers/machine/Conditions.ts"
import type { Step } from "../../../../src/reconcilers/machine/Plan.ts"
import { plan } from "../../../../src/reconcilers/machine/Plan.ts"
import { virtualMachine } from "../Objects.ts"
import { assertWellFormed, statusOf } from "../WellFormed.ts"
import { rich } from "../Rich.ts"
import { AnyVirtualMachine, Observation, observed } from "./Observations.ts"

const Addresses = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))

/** The findings of one reconcile as OpenMachine puts them together. */
const whole = (step: Step, at: { readonly deletion: boolean; readonly addresses: number }): ReadonlyArray<Finding> => [
  Conditions.notPaused,
  ...(at.deletion ? [] : [Conditions.notDeleting]),
  Conditions.available,
  ...Conditions.ofStep(step, at)
]

describe("Conditions of a step", () => {
  it.prop(
    "are well formed, and say whether the machine is ready",
    { it: Observation, addresses: Addresses },
    (given) => {
      const now = observed(given.it)
      const findings = whole(plan(now), { deletion: now.deleting, addresses: given.addresses })
      assertWellFormed(findings)
      assert.isDefined(statusOf(findings, "Ready"))
    },
    rich
  )

  it.prop(
    "VmCreated is true while a VM of ours exists and is made",
    { it: Observation, vm: AnyVirtualMachine },
    (given) => {
      const sighting = { _tag: "Present", vm: given.vm, owned: true } as const
      const now = observed(given.it, { deleting: false, finalizer: true, call: undefined, id: given.vm.Id, sighting })
      const findings = whole(plan(now), { deletion: false, addresses: 1 })
      const made = given.vm.Status !== "UnderCreation"
      assert.strictEqual(statusOf(findings, "VmCreated"), made ? "True" : "False")
      const foreign = plan({ ...now, sighting: { ...sighting, owned: false } })
      assert.strictEqual(statusOf(whole(foreign, { deletion: false, addresses: 1 }), "VmCreated"), "False")
    },
    rich
  )

  it.prop(
    "VmCreated is false while there is none",
    { it: Observation },
    (given) => {
      const none = { deleting: false, id: undefined, sighting: { _tag: "Unknown" }, call: undefined } as const
      const findings = whole(plan(observed(given.it, none)), { deletion: false, addresses: 1 })
      for (const type of ["VmCreated", "VmRunning", "VirtualMachineProvisioned", "Ready"]) {
        assert.strictEqual(statusOf(findings, type), "False", type)
      }
    },
    rich
  )

  it.prop(
    "Ready is true of a running VM with an address alone",
    { it: Observation, addresses: Addresses },
    (given) => {
      const now = observed(given.it)
      const step = plan(now)
      const findings = whole(step, { deletion: now.deleting, addresses: given.addresses })
      const ready = step._tag === "Settle" && given.addresses > 0
      assert.strictEqual(statusOf(findings, "Ready"), ready ? "True" : "False")
      if (now.deleting) return
      assert.strictEqual(statusOf(findings, "VmRunning"), step._tag === "Settle" ? "True" : "False")
      assert.strictEqual(statusOf(findings, "VirtualMachineProvisioned"), step._tag === "Settle" ? "True" : "False")
    },
    rich
  )

  it.prop(
    "a deletion says Deleting, and nothing of creating",
    { it: Observation },
    (given) => {
      const now = observed(given.it, { deleting: true })
      const findings = whole(plan(now), { deletion: true, addresses: 0 })
      assert.deepInclude(
        findings.find((it) => it.type === "Deleting"),
        { status: "True", reason: "Deleting" }
      )
      assert.deepInclude(
        findings.find((it) => it.type === "Ready"),
        { status: "False", reason: "Deleting" }
      )
      assert.notInclude(
        findings.map((it) => it.type),
        "VmCreated"
      )
    },
    rich
  )

  it.prop(
    "a failure keeps what is known of the VM",
    { exists: Schema.Boolean, deletion: Schema.Boolean, text: Schema.String },
    ({ exists, deletion, text }) => {
      const findings = Conditions.failed("VmFailed", text, { exists, deletion })
      assertWellFormed(findings)
      assert.strictEqual(statusOf(findings, "Ready"), "False")
      if (deletion) assert.strictEqual(statusOf(findings, "Deleting"), "True")
      else assert.strictEqual(statusOf(findings, "VmCreated"), exists ? "True" : "False")
      assert.isTrue(findings.some((it) => it.message === text))
    }
  )
})

describe("Conditions: the predecessor's words", () => {
  const at = { deletion: false, addresses: 1 }
  const vm = virtualMachine()
  const running = virtualMachine({ Status: "Running", VirtualMachineState: "Running" })
  const growth = { busType: "SCSI", bus: 0, lun: 0, sizeMB: 1 } as const
  const creation = { execHost: "e", shellId: "s", startedAt: "2026-01-01T00:00:00Z" }
  const legacy = Contract.LegacyReason
  const step = (it: Step): Step => it

  it.each<[string, Step, string]>([
    ["a finalizer is added", step({ _tag: "AddFinalizer" }), legacy.vmCreating],
    ["the name is stored", step({ _tag: "ReserveName" }), legacy.vmCreating],
    ["the VM is about to be made", step({ _tag: "Create" }), legacy.vmCreating],
    ["it is being placed", step({ _tag: "AwaitCall", call: "create" }), legacy.vmCreating],
    ["it is looked for", step({ _tag: "Recover", creation }), legacy.vmCreating],
    ["VMM makes it", step({ _tag: "AwaitJob", vm: { ...vm, Status: "UnderCreation" } }), legacy.vmCreating],
    ["a disk grows", step({ _tag: "Expand", vm, growth }), legacy.vmUpdatingDisks],
    ["it is to be seeded", step({ _tag: "Seed", vm, vmId: "x" }), legacy.vmUpdatingCloudInit],
    ["it is being seeded", step({ _tag: "AwaitCall", call: "seed" }), legacy.vmUpdatingCloudInit],
    ["it is to be started", step({ _tag: "Start", vm }), legacy.vmStarting],
    ["VMM starts it", step({ _tag: "AwaitJob", vm: { ...vm, VirtualMachineState: "Starting" } }), legacy.vmStarting],
    ["it runs", step({ _tag: "Settle", vm: running }), legacy.vmRunning]
  ])("%s", (_name, taken, reason) => {
    const findings = Conditions.ofStep(taken, at)
    assert.strictEqual(findings.find((it) => it.type === "VmRunning")?.reason, reason)
    const created = findings.find((it) => it.type === "VmCreated")
    assert.strictEqual(created?.reason, created?.status === "True" ? legacy.vmCreated : reason)
  })

  it.each(["MissingCluster", "ClusterNotAvailable", "WaitingForClusterInfrastructure"])("%s", (reason) => {
    const findings = Conditions.ofStep({ _tag: "Wait", wait: { reason, message: "m" }, vm: undefined }, at)
    assert.deepInclude(
      findings.find((it) => it.type === "VmCreated"),
      { status: "False", reason, message: "m" }
    )
  })

  it("a VM that waits for its data exists nevertheless", () => {
    const wait = { reason: legacy.waitingForBootstrapData, message: "m" }
    const findings = Conditions.ofStep({ _tag: "Wait", wait, vm }, at)
    assert.strictEqual(statusOf(findings, "VmCreated"), "True")
    assert.deepInclude(
      findings.find((it) => it.type === "VmRunning"),
      { status: "False", ...wait }
    )
  })

  it("a VM without an address", () => {
    const findings = Conditions.ofStep({ _tag: "Settle", vm: running }, { deletion: false, addresses: 0 })
    assert.deepInclude(
      findings.find((it) => it.type === "Ready"),
      {
        status: "False",
        reason: legacy.waitingForIPAddress
      }
    )
  })

  it("Cluster API's own", () => {
    const { Condition, Reason } = Contract
    const bare = { message: "" }
    assert.deepStrictEqual(Conditions.notPaused, {
      type: Condition.paused,
      status: "False",
      reason: Reason.notPaused,
      ...bare
    })
    assert.deepStrictEqual(Conditions.paused("m"), {
      type: Condition.paused,
      status: "True",
      reason: Reason.paused,
      message: "m"
    })
    assert.deepStrictEqual(Conditions.notDeleting, {
      type: Condition.deleting,
      status: "False",
      reason: Reason.notDeleting,
      ...bare
    })
    assert.deepStrictEqual(Conditions.available, {
      type: Condition.scvmmAvailable,
      status: "True",
      reason: Reason.available,
      ...bare
    })
  })

  it("progress tells the job, or the state by name", () => {
    const job = { Id: "j", Name: "Create virtual machine", Status: "Running", Progress: 42, StartTime: "" }
    const says = (it: Step) => Conditions.ofStep(it, at).map((finding) => finding.message)
    assert.include(says({ _tag: "AwaitJob", vm: { ...vm, Job: job } }), "Create virtual machine: 25 %")
    assert.include(says({ _tag: "AwaitJob", vm: { ...vm, Status: "Starting" } }), "the VM is Starting (PowerOff)")
    const over = { ...vm, Status: "Saving", VirtualMachineState: "Saving", Job: { ...job, Status: "Failed" } }
    assert.include(says({ _tag: "AwaitJob", vm: over }), "the VM is Saving")
  })
})

describe("Conditions as they are stored", () => {
  it("no message is longer than the API server takes", () => {
    const long = `${"x".repeat(32_766)}😀${"y".repeat(10_000)}`
    const [stored] = merge([], Conditions.unavailable("ConnectionFailed", long), "2026-01-01T00:00:00Z", 1)
    assert.isAtMost(stored?.message.length ?? 0, 32_768)
    assert.isTrue(stored?.message.isWellFormed())
    assert.isTrue(stored?.message.startsWith("xxx"))
    const exact = "x".repeat(32_768)
    const [kept] = merge([], [Conditions.paused(exact)], "2026-01-01T00:00:00Z", 1)
    assert.strictEqual(kept?.message, exact)
  })
})
