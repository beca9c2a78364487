import { assert, describe, it } from "@effect/vitest"
import { Cluster } from "../../../schemas/capi/Cluster.ts"
import { Machine } from "../../../schemas/capi/Machine.ts"
import { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { instance, selection } from "../../../src/cli/Selection.ts"

const labelSelector = "cluster.x-k8s.io/watch-filter=mine"

describe("what an instance of the operator looks at", () => {
  it("the label is asked of what it reconciles, never of what pauses or serves that", () => {
    const select = selection({ namespace: "", watchFilter: "mine" })
    for (const kind of [ScvmmMachine, ScvmmCluster])
      assert.deepStrictEqual(select(kind), { namespace: "", labelSelector })
    for (const kind of [Cluster, Machine, ScvmmProvider]) assert.deepStrictEqual(select(kind), { namespace: "" })
  })

  it("a namespace bounds all but providers, which machines of other namespaces may name", () => {
    const select = selection({ namespace: "team", watchFilter: "mine" })
    assert.deepStrictEqual(select(ScvmmMachine), { namespace: "team", labelSelector })
    for (const kind of [Cluster, Machine]) assert.deepStrictEqual(select(kind), { namespace: "team" })
    assert.deepStrictEqual(select(ScvmmProvider), { namespace: "" })
  })

  it("everything by default", () => {
    const select = selection({ namespace: "", watchFilter: undefined })
    for (const kind of [ScvmmMachine, ScvmmCluster, Cluster, Machine, ScvmmProvider]) {
      assert.deepStrictEqual(select(kind), { namespace: "" })
    }
  })

  it("names the instance by one word, another for each that looks at something else", () => {
    const instances = ["", "team"].flatMap((namespace) =>
      [undefined, "mine", "team"].map((watchFilter) => instance({ namespace, watchFilter }))
    )
    assert.strictEqual(new Set(instances).size, instances.length)
    for (const name of instances) assert.match(name, /^\S+$/u)
  })
})
