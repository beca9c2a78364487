import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import { ClusterSpec } from "../../../../schemas/scvmm/ClusterSpec.ts"
import { ScvmmCluster } from "../../../../schemas/scvmm/ScvmmCluster.ts"
import type { Observed } from "../../../../src/reconcilers/cluster/ClusterPlan.ts"
import {
  comparand,
  endpointOf,
  failureDomains,
  paused,
  plan,
  published,
  waiting
} from "../../../../src/reconcilers/cluster/ClusterPlan.ts"
import * as Status from "../../../../src/runtime/Status.ts"
import { cluster, scvmmCluster } from "../Objects.ts"
import { assertWellFormed, statusOf } from "../WellFormed.ts"
import { rich } from "../Rich.ts"

const finalizers = [Contract.clusterFinalizer]
const deletionTimestamp = "2026-01-01T00:00:00Z"
const annotated = (name: string, value = "") => ({ annotations: { [name]: value } })

interface Case {
  readonly metadata?: object
  readonly owned?: boolean
  readonly cluster?: "running" | "paused" | "gone"
  readonly machines?: ReadonlyArray<string>
}

const observed = (it: Case): Observed => ({
  scvmmCluster: scvmmCluster({ metadata: { ...it.metadata } }),
  owned: it.owned ?? true,
  cluster: it.cluster === "gone" ? undefined : cluster({ spec: { paused: it.cluster === "paused" } }),
  machines: it.machines ?? []
})

const managedBy = annotated(Contract.managedByAnnotation)
const moved = annotated(Contract.deleteForMoveAnnotation)
const deleted = { deletionTimestamp, finalizers }

describe("ClusterPlan", () => {
  it.each<[string, Case, string]>([
    ["rule 32: a fresh one gets a finalizer", {}, "AddFinalizer"],
    ["rule 32: then it is published", { metadata: { finalizers } }, "Publish"],
    ["rule 32: not before a Cluster owns it", { owned: false }, "Ignore"],
    ["rule 32: not before its Cluster is there", { cluster: "gone" }, "Ignore"],
    ["rule 32: not any more when its Cluster is gone", { cluster: "gone", metadata: { finalizers } }, "Ignore"],
    ["rule 29: managed by others", { metadata: managedBy }, "Ignore"],
    [
      "rule 29: whatever the value",
      { metadata: { ...annotated(Contract.managedByAnnotation, "x"), finalizers } },
      "Ignore"
    ],
    ["rule 29: no deletion of it", { metadata: { ...managedBy, ...deleted } }, "Ignore"],
    ["rule 29: nor a Paused condition", { metadata: managedBy, cluster: "paused" }, "Ignore"],
    ["rule 30: paused by the Cluster", { cluster: "paused", metadata: { finalizers } }, "Paused"],
    [
      "rule 30: paused by annotation",
      { metadata: { ...annotated(Contract.pausedAnnotation, "false"), finalizers } },
      "Paused"
    ],
    ["rule 30: no deletion while paused", { cluster: "paused", metadata: deleted }, "Paused"],
    [
      "rule 30: no deletion while annotated",
      { metadata: { ...annotated(Contract.pausedAnnotation), ...deleted } },
      "Paused"
    ],
    ["rule 33: deleted, nothing is left", { metadata: deleted }, "Release"],
    ["rule 33: deleted without an owner", { owned: false, cluster: "gone", metadata: deleted }, "Release"],
    ["rule 33: deleted, its Cluster is gone", { cluster: "gone", metadata: deleted }, "Release"],
    ["rule 33: ours is off already", { metadata: { deletionTimestamp, finalizers: ["foreign/finalizer"] } }, "Ignore"],
    ["rule 34: a machine is left", { metadata: deleted, machines: ["a"] }, "AwaitMachines"],
    ["rule 34: machines are left", { metadata: deleted, machines: ["b", "a"] }, "AwaitMachines"],
    ["rule 87: deleted for a move", { metadata: { ...moved, ...deleted } }, "Ignore"],
    [
      "rule 87: deleted for a move, machines are left",
      { metadata: { ...moved, ...deleted }, machines: ["a"] },
      "Ignore"
    ]
  ])("%s", (_name, given, tag) => {
    assert.strictEqual(plan(observed(given))._tag, tag)
  })

  it("says why it is paused, as Cluster API words it (rule 31)", () => {
    const why = (given: Case) => {
      const step = plan(observed(given))
      return step._tag === "Paused" ? step.message : step._tag
    }
    const metadata = annotated(Contract.pausedAnnotation)
    const cause = "Cluster spec.paused is set to true"
    const own = "ScvmmCluster has the cluster.x-k8s.io/paused annotation"
    assert.strictEqual(why({ cluster: "paused" }), cause)
    assert.strictEqual(why({ metadata }), own)
    assert.strictEqual(why({ metadata, cluster: "paused" }), `${cause}, ${own}`)
  })

  const flag = Schema.Boolean
  it.prop(
    "hands off what is managed, moved, paused or not held; the finalizer goes last",
    { managed: flag, moving: flag, here: flag, there: flag, deleting: flag, held: flag, owned: flag, machines: flag },
    (it) => {
      const step = plan(
        observed({
          owned: it.owned,
          cluster: it.there ? "paused" : "running",
          machines: it.machines ? ["m"] : [],
          metadata: {
            ...(it.deleting && { deletionTimestamp }),
            finalizers: it.held ? finalizers : [],
            annotations: {
              ...(it.managed && { [Contract.managedByAnnotation]: "" }),
              ...(it.moving && { [Contract.deleteForMoveAnnotation]: "" }),
              ...(it.here && { [Contract.pausedAnnotation]: "" })
            }
          }
        })
      )
      if (it.managed || it.moving || (it.deleting && !it.held)) assert.strictEqual(step._tag, "Ignore")
      else if (it.here || it.there) assert.strictEqual(step._tag, "Paused")
      if (step._tag === "Release") assert.isTrue(it.deleting && it.held && !it.machines)
      if (step._tag === "AddFinalizer") assert.isTrue(!it.deleting && !it.held && it.owned)
      if (step._tag === "Publish") assert.isTrue(!it.deleting && it.held && it.owned)
    },
    { arbitrary: { runs: 1_000 } }
  )
})

describe("ClusterPlan: what an older version stored", () => {
  const domains = { a: { cloud: "A", hostGroup: "A hosts" } }
  const patch = (object: ReturnType<typeof scvmmCluster>) => {
    const encoded = Schema.encodeSync(ScvmmCluster.schema)(comparand(object))
    const stored = (encoded as { readonly status?: Parameters<typeof Status.patchOf>[0] }).status ?? {}
    return Status.patchOf(
      stored,
      { fields: { failureDomains: failureDomains(object.spec) } },
      "2026-01-01T00:00:00Z",
      1
    )
  }

  it("is written in today's shape at the first pass, and then compared", () => {
    const spec = { failureDomains: domains }
    const list = [{ name: "a", attributes: { cloud: "A", hostGroup: "A hosts" } }]
    const old = { failureDomains: { a: { attributes: { cloud: "A", hostGroup: "A hosts" } } }, ready: true }
    assert.deepStrictEqual(patch(scvmmCluster({ spec, status: old })), { failureDomains: list })
    const ready = {
      type: "Ready",
      status: "True",
      reason: "Ready",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z"
    }
    assert.isUndefined(patch(scvmmCluster({ spec, status: { failureDomains: list, conditions: [ready] } })))
  })
})

describe("ClusterPlan: conditions", () => {
  it("published", () => {
    for (const endpoint of ["given", "missing", "unsupported"] as const) {
      const findings = published(endpoint)
      assertWellFormed(findings)
      assert.deepStrictEqual(
        ["Ready", "Paused", "Deleting", "ClusterCreated"].map((type) => statusOf(findings, type)),
        [endpoint === "unsupported" ? "False" : "True", "False", "False", "True"]
      )
      const message = findings.find((it) => it.type === "Ready")?.message ?? ""
      if (endpoint === "given") assert.strictEqual(message, "")
      else assert.include(message, "spec.controlPlaneEndpoint")
    }
  })

  it("an endpoint is given by either object; a wish for one that nothing acts on is told", () => {
    const endpoint = { host: "h", port: 6443 }
    const wish = { controlPlaneEndpointFrom: { hook: true } }
    const of = (own: object, core: object) =>
      endpointOf({ scvmmCluster: scvmmCluster({ spec: own }), cluster: cluster({ spec: core }) })
    assert.strictEqual(of({ controlPlaneEndpoint: endpoint }, {}), "given")
    assert.strictEqual(of(wish, { controlPlaneEndpoint: endpoint }), "given")
    assert.strictEqual(of({}, {}), "missing")
    assert.strictEqual(of(wish, {}), "unsupported")
  })

  it("paused", () => {
    assertWellFormed([paused("m")])
    assert.deepStrictEqual(paused("m"), { type: "Paused", status: "True", reason: "Paused", message: "m" })
  })

  it.prop(
    "waiting names some machines, however many there are",
    { names: Schema.Array(Schema.String) },
    ({ names }) => {
      const findings = waiting(names)
      assertWellFormed(findings)
      const message = findings.find((it) => it.type === "Deleting")?.message ?? ""
      assert.include(message, `${names.length} `)
      for (const name of names.toSorted().slice(0, 5)) assert.include(message, name)
      assert.strictEqual(statusOf(findings, "Ready"), "False")
      assert.strictEqual(statusOf(findings, "ClusterCreated"), "False")
      assert.strictEqual(findings.find((it) => it.type === "ClusterCreated")?.reason, "ClusterDeleting")
    }
  )

  it("waiting does not depend on the order of a cache", () => {
    const names = ["e", "b", "g", "a", "f", "c", "d"]
    assert.deepStrictEqual(waiting(names), waiting(names.toReversed()))
    assert.match(waiting(names)[0]?.message ?? "", /7 .*a, b, c, d, e, …/u)
  })
})

describe("ClusterPlan.failureDomains", () => {
  const decode = Schema.decodeUnknownSync(ScvmmCluster.schema)

  it.prop(
    "is a list, sorted by name, that our status takes (checklist 10, rule 24)",
    { spec: ClusterSpec },
    ({ spec }) => {
      // What the API server takes: 1 to 100 names of 1 to 256 characters.
      const entries = Object.entries(spec.failureDomains ?? {}).filter(([name]) => name !== "" && name.length <= 256)
      const given = Object.fromEntries(entries.slice(0, 100))
      const list = failureDomains({ ...spec, failureDomains: given })
      const names = list.map((it) => it.name)
      assert.deepStrictEqual(names, Object.keys(given).toSorted())
      for (const it of list) {
        assert.deepStrictEqual(it.attributes, { cloud: given[it.name]?.cloud, hostGroup: given[it.name]?.hostGroup })
        assert.strictEqual(it.controlPlane, given[it.name]?.controlPlane)
      }
      const { status } = decode({ ...scvmmCluster(), status: JSON.parse(JSON.stringify({ failureDomains: list })) })
      assert.lengthOf(status.failureDomains ?? [], list.length)
    },
    rich
  )

  it("the order of the spec does not matter", () => {
    const domain = { cloud: "c", hostGroup: "h" }
    const list = (...names: ReadonlyArray<string>) =>
      failureDomains(
        scvmmCluster({ spec: { failureDomains: Object.fromEntries(names.map((name) => [name, domain])) } }).spec
      )
    assert.deepStrictEqual(list("b", "a", "c"), list("c", "b", "a"))
    assert.deepStrictEqual(list("b", "a")[0], { name: "a", attributes: domain })
    assert.deepStrictEqual(failureDomains(scvmmCluster().spec), [])
  })
})
