import { assert, describe, it } from "@effect/vitest"
import type { VirtualMachine } from "../../../../schemas/vmm/VirtualMachine.ts"
import type { KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"
import type { Objects } from "../../../../src/cli/demo/Snapshot.ts"
import * as Snapshot from "../../../../src/cli/demo/Snapshot.ts"

interface MachineFacts {
  readonly controlPlane?: boolean
  readonly created?: string
  readonly deleting?: boolean
  readonly bootstrapped?: boolean
  readonly node?: boolean
}

const machine = (name: string, facts: MachineFacts = {}): KubeJson => ({
  metadata: {
    name,
    creationTimestamp: facts.created ?? "2026-01-01T00:00:00Z",
    labels: facts.controlPlane === true ? { "cluster.x-k8s.io/control-plane": "" } : {},
    ...(facts.deleting === true && { deletionTimestamp: "2026-01-01T01:00:00Z" })
  },
  spec: {
    infrastructureRef: { name: `${name}-infra` },
    bootstrap: facts.bootstrapped === true ? { dataSecretName: `${name}-bootstrap` } : {}
  },
  status: facts.node === true ? { nodeRef: { name } } : {}
})

const scvmmMachine = (name: string, spec: KubeJson = {}, status: KubeJson = {}): KubeJson => ({
  metadata: { name: `${name}-infra` },
  spec,
  status
})

const vm = (Id: string, Name: string, more: Partial<VirtualMachine> = {}): VirtualMachine => ({
  Id,
  Name,
  Description: "",
  Status: "Running",
  VirtualMachineState: "Running",
  Generation: 2,
  CPUCount: 1,
  MemoryMB: 1024,
  NetworkAdapters: [],
  Disks: [],
  DvdDrives: [],
  ...more
})

const nothing: Objects = { clusters: [], machines: [], scvmmMachines: [], virtualMachines: [] }

const phase = (facts: MachineFacts, status: KubeJson = {}) =>
  Snapshot.take({ ...nothing, machines: [machine("a", facts)], scvmmMachines: [scvmmMachine("a", {}, status)] })
    .machines[0]?.phase

describe("take", () => {
  it("derives the phase from what is there", () => {
    const provisioned = { initialization: { provisioned: true } }
    assert.strictEqual(phase({}), "Pending")
    assert.strictEqual(phase({ bootstrapped: true }), "Provisioning")
    assert.strictEqual(phase({ bootstrapped: true }, provisioned), "Provisioned")
    assert.strictEqual(phase({ bootstrapped: true, node: true }, provisioned), "Running")
    assert.strictEqual(phase({ node: true, deleting: true }, provisioned), "Deleting")
  })

  it("finds the VM by its id, and by name before the id is stored", () => {
    const job = { Id: "j", Name: "Create virtual machine", Status: "Running", Progress: 42, StartTime: "" }
    const seen = Snapshot.take({
      ...nothing,
      machines: [machine("a"), machine("b"), machine("c")],
      scvmmMachines: [
        scvmmMachine(
          "a",
          { id: "1" },
          {
            addresses: [
              { type: "Hostname", address: "a" },
              { type: "InternalIP", address: "10.1.2.3" }
            ]
          }
        ),
        scvmmMachine("b"),
        scvmmMachine("c", { id: "9" })
      ],
      virtualMachines: [
        vm("1", "renamed"),
        vm("2", "b-infra", { Status: "UnderCreation", Job: job }),
        vm("3", "c-infra", { Job: { ...job, Status: "Completed" } })
      ]
    })
    assert.deepStrictEqual(
      seen.machines.map(({ name, vm, address, job }) => ({ name, vm, address, job })),
      [
        { name: "a", vm: "Running", address: "10.1.2.3", job: undefined },
        { name: "b", vm: "UnderCreation", address: undefined, job: { name: "Create virtual machine", progress: 42 } },
        { name: "c", vm: undefined, address: undefined, job: undefined }
      ]
    )
    assert.strictEqual(seen.virtualMachines, 3)
  })

  it("puts control planes first, then the older ones", () => {
    const machines = [
      machine("c", { created: "2026-01-01T00:00:02Z" }),
      machine("b", { created: "2026-01-01T00:00:01Z" }),
      machine("d", { controlPlane: true, created: "2026-01-01T00:00:03Z" })
    ]
    assert.deepStrictEqual(
      Snapshot.take({ ...nothing, machines }).machines.map(({ name }) => name),
      ["d", "b", "c"]
    )
  })

  it("repeats what the operator complains about", () => {
    const conditions = [
      { type: "Ready", status: "False", reason: "NotReady", message: "no VM" },
      { type: "VirtualMachineProvisioned", status: "False", reason: "CloudNotFound", message: "spec.cloud" },
      { type: "ScvmmAvailable", status: "True", reason: "Available", message: "" }
    ]
    assert.deepStrictEqual(
      Snapshot.take({ ...nothing, scvmmMachines: [scvmmMachine("a", {}, { conditions })] }).complaints,
      ["a-infra: VirtualMachineProvisioned=False CloudNotFound spec.cloud"]
    )
  })
})

describe("isUp and isGone", () => {
  const up: Objects = {
    clusters: [{}],
    machines: [machine("a", { node: true }), machine("b", { node: true })],
    scvmmMachines: [scvmmMachine("a"), scvmmMachine("b")],
    virtualMachines: [vm("1", "a-infra"), vm("2", "b-infra")]
  }
  const isUp = (count: number, more: Partial<Objects> = {}) => Snapshot.isUp(count)(Snapshot.take({ ...up, ...more }))

  it("up: that many machines with Nodes, as many VMs, none going", () => {
    assert.isTrue(isUp(2))
    assert.isFalse(isUp(3))
    assert.isFalse(isUp(2, { machines: [machine("a", { node: true }), machine("b")] }))
    assert.isFalse(isUp(2, { machines: [machine("a", { node: true }), machine("b", { node: true, deleting: true })] }))
    assert.isFalse(isUp(2, { virtualMachines: [...up.virtualMachines, vm("3", "twin")] }))
  })

  it("gone: no Cluster, no Machine, no VM", () => {
    assert.isTrue(Snapshot.isGone(Snapshot.take(nothing)))
    assert.isFalse(Snapshot.isGone(Snapshot.take({ ...nothing, clusters: [{}] })))
    assert.isFalse(Snapshot.isGone(Snapshot.take({ ...nothing, machines: [machine("a")] })))
    assert.isFalse(Snapshot.isGone(Snapshot.take({ ...nothing, virtualMachines: [vm("1", "a")] })))
  })
})
