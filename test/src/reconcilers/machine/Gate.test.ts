import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import type { Surroundings } from "../../../../src/reconcilers/machine/Gate.ts"
import { decide, waitsFor } from "../../../../src/reconcilers/machine/Gate.ts"
import { cluster, machine, scvmmCluster, scvmmMachine } from "../Objects.ts"

const finalizers = [Contract.machineFinalizer]
const deletionTimestamp = "2026-01-01T00:00:00Z"
const paused = { [Contract.pausedAnnotation]: "" }
const known = { id: "0d3a" }

interface Case {
  readonly metadata?: object
  readonly spec?: object
  readonly status?: object
  readonly owner?: boolean
  readonly cluster?: boolean
  readonly clusterPaused?: boolean
}

const around = (it: Case): Surroundings => ({
  machine: scvmmMachine({
    ...(it.metadata !== undefined && { metadata: it.metadata }),
    ...(it.spec !== undefined && { spec: it.spec }),
    ...(it.status !== undefined && { status: it.status })
  }),
  owner: it.owner === false ? undefined : machine(),
  cluster: it.cluster === false ? undefined : cluster({ spec: { paused: it.clusterPaused === true } }),
  scvmmCluster: scvmmCluster()
})

describe("Gate.decide", () => {
  it.each<[string, Case, string]>([
    ["a machine with its Machine and Cluster", {}, "Open"],
    ["rule 60: a fresh one without its Machine", { owner: false }, "Ignore"],
    ["rule 60: also when it is paused", { owner: false, metadata: { annotations: paused } }, "Ignore"],
    ["rule 60: also when its cluster is paused", { owner: false, clusterPaused: true }, "Ignore"],
    ["a stand-alone one needs neither", { owner: false, cluster: false, spec: { bootstrap: {} } }, "Open"],
    [
      "a stand-alone one can be paused",
      { owner: false, spec: { bootstrap: {} }, metadata: { annotations: paused } },
      "Paused"
    ],
    ["rule 30: paused by annotation", { metadata: { annotations: paused } }, "Paused"],
    ["rule 30: whatever its value", { metadata: { annotations: { [Contract.pausedAnnotation]: "false" } } }, "Paused"],
    ["rule 30: paused by the Cluster", { clusterPaused: true }, "Paused"],
    [
      "rule 30: paused by the Cluster, no deletion",
      { clusterPaused: true, metadata: { deletionTimestamp, finalizers }, spec: known },
      "Paused"
    ],
    [
      "rule 30: paused by annotation, no deletion",
      { metadata: { deletionTimestamp, finalizers, annotations: paused }, spec: known },
      "Paused"
    ],
    [
      "rule 84: paused, no deletion of one without a VM either",
      { clusterPaused: true, metadata: { deletionTimestamp, finalizers } },
      "Paused"
    ],
    [
      "rule 84: paused, no deletion of one whose Machine is gone",
      { owner: false, clusterPaused: true, metadata: { deletionTimestamp, finalizers }, spec: known },
      "Paused"
    ],
    [
      "rule 87: deleted for a move",
      {
        metadata: { deletionTimestamp, finalizers, annotations: { [Contract.deleteForMoveAnnotation]: "" } },
        spec: known
      },
      "Ignore"
    ],
    [
      "rule 87: deleted for a move, before its finalizers go",
      {
        cluster: false,
        metadata: { deletionTimestamp, finalizers, annotations: { [Contract.deleteForMoveAnnotation]: "" } }
      },
      "Ignore"
    ],
    [
      "rule 87: deleted, its Cluster is gone",
      { cluster: false, metadata: { deletionTimestamp, finalizers }, spec: known },
      "Ignore"
    ],
    [
      "deleted, its Cluster is gone, no VM can exist",
      { cluster: false, metadata: { deletionTimestamp, finalizers } },
      "Release"
    ],
    ["rule 61: deleted", { metadata: { deletionTimestamp, finalizers }, spec: known }, "Open"],
    [
      "rule 61: deleted, a VM of a vanished Machine",
      { owner: false, metadata: { deletionTimestamp, finalizers }, spec: known },
      "Open"
    ],
    [
      "rule 61: deleted, no Machine, no VM",
      { owner: false, cluster: false, metadata: { deletionTimestamp, finalizers } },
      "Release"
    ],
    [
      "deleted while a name was reserved",
      { metadata: { deletionTimestamp, finalizers }, spec: { vmName: "node-1" } },
      "Open"
    ],
    [
      "deleted during an attempt",
      {
        metadata: { deletionTimestamp, finalizers },
        status: { creation: { execHost: "e", shellId: "s", startedAt: deletionTimestamp } }
      },
      "Open"
    ],
    [
      "deleted, ours is off already",
      { metadata: { deletionTimestamp, finalizers: ["foreign/finalizer"] }, spec: known },
      "Ignore"
    ],
    ["deleted, no finalizers", { metadata: { deletionTimestamp }, spec: known }, "Ignore"],
    [
      "a stand-alone one is deleted",
      { owner: false, cluster: false, spec: { bootstrap: {}, ...known }, metadata: { deletionTimestamp, finalizers } },
      "Open"
    ]
  ])("%s", (_name, given, tag) => {
    assert.strictEqual(decide(around(given))._tag, tag)
  })

  it("says why it is paused, as Cluster API words it (rule 31)", () => {
    const cause = "Cluster spec.paused is set to true"
    const own = "ScvmmMachine has the cluster.x-k8s.io/paused annotation"
    const message = (given: Case) => {
      const gate = decide(around(given))
      return gate._tag === "Paused" ? gate.message : gate._tag
    }
    assert.strictEqual(message({ clusterPaused: true }), cause)
    assert.strictEqual(message({ metadata: { annotations: paused } }), own)
    assert.strictEqual(message({ clusterPaused: true, metadata: { annotations: paused } }), `${cause}, ${own}`)
  })

  const flag = Schema.Boolean
  it.prop(
    "nothing that is paused, moved, or not held is opened or released",
    {
      deleting: flag,
      held: flag,
      pausedHere: flag,
      pausedThere: flag,
      moved: flag,
      known: flag,
      owner: flag,
      alone: flag
    },
    (it) => {
      const gate = decide(
        around({
          owner: it.owner,
          clusterPaused: it.pausedThere,
          metadata: {
            ...(it.deleting && { deletionTimestamp }),
            finalizers: it.held ? finalizers : [],
            annotations: { ...(it.pausedHere && paused), ...(it.moved && { [Contract.deleteForMoveAnnotation]: "" }) }
          },
          spec: { ...(it.known && known), ...(it.alone && { bootstrap: {} }) }
        })
      )
      const acts = gate._tag === "Open" || gate._tag === "Release"
      if (it.pausedHere || it.pausedThere || it.moved || (it.deleting && !it.held)) assert.isFalse(acts)
      if (gate._tag === "Release") assert.isTrue(it.deleting && it.held && !it.known)
      if (!it.deleting && !it.owner && !it.alone) assert.strictEqual(gate._tag, "Ignore")
    },
    { arbitrary: { runs: 1_000 } }
  )
})

describe("Gate.waitsFor", () => {
  const ready = { initialization: { infrastructureProvisioned: true } }
  const up = { initialization: { infrastructureProvisioned: true, controlPlaneInitialized: true } }
  const data = { bootstrap: { dataSecretName: "data" } }
  const controlPlane = { labels: { [Contract.controlPlaneLabel]: "" } }
  const base: Surroundings = {
    machine: scvmmMachine(),
    owner: machine({ spec: data }),
    cluster: cluster({ status: ready }),
    scvmmCluster: scvmmCluster()
  }
  it.each<[string, Partial<Surroundings>, string | undefined]>([
    ["everything is there", {}, undefined],
    ["no Cluster", { cluster: undefined }, "MissingCluster"],
    ["neither Cluster nor ScvmmCluster", { cluster: undefined, scvmmCluster: undefined }, "MissingCluster"],
    ["no ScvmmCluster", { scvmmCluster: undefined }, "ClusterNotAvailable"],
    ["a Cluster without a status", { cluster: cluster() }, "WaitingForClusterInfrastructure"],
    [
      "not provisioned",
      { cluster: cluster({ status: { initialization: { infrastructureProvisioned: false } } }) },
      "WaitingForClusterInfrastructure"
    ],
    ["a worker before the control plane", { owner: machine() }, "WaitingForControlplaneAvailable"],
    ["a worker after it", { owner: machine(), cluster: cluster({ status: up }) }, "WaitingForBootstrapData"],
    ["a control-plane machine", { owner: machine({ metadata: controlPlane }) }, "WaitingForBootstrapData"],
    ["a worker with data, before the control plane", { cluster: cluster({ status: ready }) }, undefined],
    [
      "a stand-alone one",
      {
        machine: scvmmMachine({ spec: { bootstrap: {} } }),
        owner: undefined,
        cluster: undefined,
        scvmmCluster: undefined
      },
      undefined
    ]
  ])("%s", (_name, change, reason) => {
    const wait = waitsFor({ ...base, ...change })
    assert.strictEqual(wait?.reason, reason)
    if (wait !== undefined) assert.notStrictEqual(wait.message, "")
  })

  it("never waits for an owner: without one nothing is written (rule 60)", () => {
    const reasons = [undefined, machine()].map((owner) => waitsFor({ ...base, owner })?.reason)
    assert.notInclude(reasons, Contract.LegacyReason.waitingForOwner)
  })
})
