import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Surroundings } from "../../../../src/reconcilers/machine/Gate.ts"
import type { Placement } from "../../../../src/reconcilers/machine/Placement.ts"
import { placementOf } from "../../../../src/reconcilers/machine/Placement.ts"
import { cluster, machine, scvmmCluster, scvmmMachine } from "../Objects.ts"

const networking = (vmNetwork: string) => ({ devices: [{ vmNetwork }] })
const east = { cloud: "East", hostGroup: "East hosts", networking: networking("east") }
const domains = { east, west: { cloud: "West", hostGroup: "West hosts" } }

const around = (spec: object, failureDomain?: string, failureDomains: object = domains): Surroundings => ({
  machine: scvmmMachine({ spec }),
  owner: machine({ spec: { ...(failureDomain !== undefined && { failureDomain }) } }),
  cluster: cluster({ status: { initialization: { infrastructureProvisioned: true } } }),
  scvmmCluster: scvmmCluster({ spec: { failureDomains } })
})

const placed = (it: Surroundings): Placement => {
  const placement = placementOf(it)
  if ("reason" in placement) return assert.fail(`${placement.reason}: ${placement.message}`)
  return placement
}

const reason = (it: Surroundings): string => {
  const placement = placementOf(it)
  return "reason" in placement ? placement.reason : "placed"
}

describe("Placement", () => {
  it("a machine without cloud or host group gets those of its failure domain (checklist 9)", () => {
    const placement = placed(around({}, "east"))
    assert.deepInclude(placement, { cloud: "East", hostGroup: "East hosts", failureDomain: "east" })
    assert.strictEqual(placement.networking?.devices?.[0]?.vmNetwork, "east")
    assert.isUndefined(placed(around({}, "west")).networking)
  })

  const Own = Schema.Struct({ cloud: Schema.Boolean, hostGroup: Schema.Boolean, networking: Schema.Boolean })
  it.prop(
    "own cloud and host group win together, own networking by itself, and the domain is told",
    { own: Own, name: Schema.Literals(["east", "west"]) },
    ({ own, name }) => {
      const spec = {
        ...(own.cloud && { cloud: "Own" }),
        ...(own.hostGroup && { hostGroup: "Own hosts" }),
        ...(own.networking && { networking: networking("own") })
      }
      const placement = placed(around(spec, name))
      assert.strictEqual(placement.failureDomain, name)
      const whose = own.cloud && own.hostGroup ? "Own" : name === "east" ? "East" : "West"
      assert.strictEqual(placement.cloud, whose)
      assert.strictEqual(placement.hostGroup, `${whose} hosts`)
      if (own.networking) assert.strictEqual(placement.networking?.devices?.[0]?.vmNetwork, "own")
    }
  )

  it("without a failure domain the machine's own values stand alone", () => {
    const own = placed(around({ cloud: "Own", networking: networking("own") }))
    assert.deepInclude(own, { cloud: "Own", hostGroup: undefined, failureDomain: undefined })
    assert.deepStrictEqual(placed(around({ cloud: "Own", networking: networking("own") }, "")), own)
  })

  it("a stored empty cloud is none", () => {
    assert.strictEqual(placed(around({ cloud: "", hostGroup: "" }, "east")).cloud, "East")
  })

  it.each(["north", "constructor", "__proto__", "toString"])("%s is no failure domain, and that is said", (name) => {
    const placement = placementOf(around({}, name))
    assert.deepInclude(placement, { reason: "FailureDomainNotFound" })
    if (!("reason" in placement)) return
    assert.include(placement.message, `"${name}"`)
    assert.include(placement.message, "east, west")
    assert.strictEqual(reason(around({}, name, {})), "FailureDomainNotFound")
  })

  it("what the domain would be looked up in is missed first", () => {
    const it = around({}, "east")
    assert.strictEqual(reason({ ...it, scvmmCluster: undefined }), "ClusterNotAvailable")
    assert.strictEqual(reason({ ...it, cluster: undefined, scvmmCluster: undefined }), "MissingCluster")
    const alone = scvmmMachine({ spec: { bootstrap: {} } })
    assert.strictEqual(reason({ ...it, machine: alone, scvmmCluster: undefined }), "FailureDomainNotFound")
  })
})
