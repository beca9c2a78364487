import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { defaultHostname } from "../../schemas/scvmm/MachineSpec.ts"
import { ScvmmCluster } from "../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmNamePool } from "../../schemas/scvmm/ScvmmNamePool.ts"
import { ScvmmPersistentDiskPool } from "../../schemas/scvmm/ScvmmPersistentDiskPool.ts"
import { ScvmmProvider } from "../../schemas/scvmm/ScvmmProvider.ts"

const metadata = { name: "m", namespace: "n", uid: "u", resourceVersion: "1" }
const apiVersion = "infrastructure.cluster.x-k8s.io/v1alpha1"

describe("objects of older versions", () => {
  it("a machine with zero values and the old status", () => {
    const machine = Schema.decodeUnknownSync(ScvmmMachine.schema)({
      apiVersion,
      kind: "ScvmmMachine",
      metadata,
      spec: {
        activeDirectory: { domainController: "dc" },
        cloudInit: { userData: "x" },
        providerID: "",
        id: "",
        cloud: "",
        hostGroup: "",
        vmName: null,
        cpuCount: 2,
        hardwareProfile: "",
        fibreChannel: null,
        memory: 1_572_864_000,
        disks: [
          { size: "0", dynamic: false, iopsMaximum: 0 },
          { size: 1_073_741_824, vhDisk: "" }
        ],
        networking: { domain: "", devices: [{ vmNetwork: "net", gateway: "", ipAddresses: ["10.0.0.5/24"] }] },
        customProperty: { empty: "" },
        vmOptions: {},
        bootstrap: {}
      },
      status: {
        ready: true,
        vmStatus: "Running",
        biosGuid: "",
        backoff: { reason: "VmCreating", seconds: 30, try: 0 },
        conditions: [
          {
            type: "VmCreated",
            status: "False",
            severity: "Info",
            reason: "",
            lastTransitionTime: "2025-01-01T00:00:00Z"
          },
          { type: "VmRunning", status: "True" }
        ]
      }
    })
    assert.deepStrictEqual(machine, {
      metadata,
      spec: {
        cpuCount: 2,
        hardwareProfile: "",
        memory: machine.spec.memory ?? assert.fail(),
        disks: [{ dynamic: false }, { size: machine.spec.disks?.[1]?.size ?? assert.fail(), dynamic: true }],
        networking: { devices: [{ deviceName: "eth0", vmNetwork: "net", ipAddresses: ["10.0.0.5/24"] }] },
        customProperty: { empty: "" },
        vmOptions: { checkpointType: "Standard" },
        bootstrap: {},
        hostname: defaultHostname,
        guestSoftPowerOffTimeoutSeconds: 300,
        ejectSeed: "AfterJoin"
      },
      status: {
        vmStatus: "Running",
        backoff: { reason: "VmCreating" },
        conditions: [
          { type: "VmCreated", status: "False", reason: "", lastTransitionTime: "2025-01-01T00:00:00Z" },
          { type: "VmRunning", status: "True" }
        ]
      }
    })
    assert.strictEqual(machine.spec.memory, "1572864000")
  })

  it("an empty list of devices is not an absent one, and false is not unset", () => {
    const { spec } = Schema.decodeUnknownSync(ScvmmMachine.schema)({
      metadata,
      spec: {
        cpuCount: 0,
        hardwareProfile: "p",
        networking: { devices: [] },
        vmOptions: { enableNestedVirtualization: false }
      }
    })
    assert.deepStrictEqual(spec.networking, { devices: [] })
    assert.strictEqual(spec.vmOptions?.enableNestedVirtualization, false)
    assert.strictEqual(spec.cpuCount, 0)
  })

  it("zero counts where zero is a value", () => {
    const device = { vmNetwork: "n", routes: [{ to: "10.0.0.0/8", via: "10.0.0.1", metric: 0 }], mtu: 0 }
    const { spec } = Schema.decodeUnknownSync(ScvmmMachine.schema)({
      metadata,
      spec: { cpuCount: 1, hardwareProfile: "p", networking: { devices: [device] } }
    })
    assert.deepStrictEqual(spec.networking?.devices?.[0]?.routes?.[0]?.metric, 0)
    assert.isFalse("mtu" in (spec.networking?.devices?.[0] ?? {}))
    const pool = Schema.decodeUnknownSync(ScvmmNamePool.schema)({
      metadata,
      spec: { vmNameRanges: [{ start: "a", end: "", postfix: "" }] },
      status: { vmNameOwners: { a: "m" }, counts: { total: 1, free: 0, used: 1 } }
    })
    assert.deepStrictEqual(pool.status.counts, { total: 1, free: 0, used: 1 })
    assert.deepStrictEqual(pool.spec.vmNameRanges, [{ start: "a" }])
  })

  it("a cluster without a spec, with failure domains as a map", () => {
    const cluster = Schema.decodeUnknownSync(ScvmmCluster.schema)({
      apiVersion,
      kind: "ScvmmCluster",
      metadata,
      status: {
        ready: true,
        failureDomains: {
          b: { controlPlane: true, attributes: { cloud: "c", hostGroup: "h" } },
          a: { controlPlane: false }
        }
      }
    })
    assert.deepStrictEqual(cluster.status, {
      failureDomains: [
        { name: "a", controlPlane: false },
        { name: "b", controlPlane: true, attributes: { cloud: "c", hostGroup: "h" } }
      ]
    })
    assert.deepStrictEqual(cluster.spec, {
      powerPolicy: "Report",
      nodeProviderID: "Patch",
      removeUninitializedTaint: false
    })
  })

  it("a provider has its defaults, of the transport too", () => {
    const { spec } = Schema.decodeUnknownSync(ScvmmProvider.schema)({
      metadata,
      spec: { scvmmHost: "vmm", execHost: "", keepAliveSeconds: 0, adServer: "ad" }
    })
    assert.deepStrictEqual(spec, {
      scvmmHost: "vmm",
      transport: {
        scheme: "http",
        authentication: "Negotiate",
        insecureSkipVerify: false,
        configurationName: "Microsoft.PowerShell",
        operationTimeoutSeconds: 60
      },
      sessions: 3,
      adoption: "Owned",
      orphanPolicy: "Report",
      orphanGracePeriodSeconds: 86_400,
      syncPeriodSeconds: 120
    })
  })

  it("a disk pool without a limit", () => {
    const { spec } = Schema.decodeUnknownSync(ScvmmPersistentDiskPool.schema)({
      metadata,
      spec: { maxDisks: 0, selector: {}, template: { spec: { size: "0" } } }
    })
    assert.deepStrictEqual(
      { ...spec, template: spec.template.spec.dynamic },
      { selector: {}, template: true, reclaimPolicy: "Retain" }
    )
  })

  it("what no version stored is named with its path", () => {
    const decode = Schema.decodeUnknownResult(ScvmmMachine.schema)
    const reason = JSON.stringify(decode({ metadata, spec: { cpuCount: "many", hardwareProfile: "p" } }), null, 1)
    assert.include(reason, "cpuCount")
    for (const value of [undefined, null, 1, "text", [], {}]) assert.strictEqual(decode(value)._tag, "Failure")
  })
})
