import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { Networking } from "../../../../schemas/scvmm/Networking.ts"
import { fileNameOf, hostnameOf, seedOf, seedState } from "../../../../src/reconcilers/machine/SeedContent.ts"
import { scvmmMachine, virtualMachine } from "../Objects.ts"
import { rich } from "../Rich.ts"

const hasMedium = (...names: ReadonlyArray<string | undefined>) =>
  virtualMachine({
    DvdDrives: names.map((IsoFileName, Lun) => ({ Bus: 0, Lun, ...(IsoFileName !== undefined && { IsoFileName }) }))
  })
const named = scvmmMachine({ spec: { vmName: "web01" } })
const capital = scvmmMachine({ spec: { vmName: "WEB01" } })
const success = <A, E>(result: Result.Result<A, E>): A =>
  Result.isSuccess(result) ? result.success : assert.fail(String(result.failure))

describe("SeedContent.seedState", () => {
  it("the medium is named by VM and object", () => {
    assert.strictEqual(fileNameOf(named), "web01_uid-node-1_cloud-init.iso")
    assert.strictEqual(fileNameOf(scvmmMachine()), "node-1_uid-node-1_cloud-init.iso")
  })

  it.each<[string, typeof named, ReturnType<typeof hasMedium>, string]>([
    ["no drive", named, hasMedium(), "missing"],
    ["an empty drive", named, hasMedium(undefined), "missing"],
    ["a drive with an empty name", named, hasMedium(""), "missing"],
    ["our medium", named, hasMedium("web01_uid-node-1_cloud-init.iso"), "mounted"],
    ["our medium as Windows spells it", named, hasMedium("WEB01_UID-NODE-1_Cloud-Init.ISO"), "mounted"],
    ["our medium, the VM named in capitals", capital, hasMedium("web01_uid-node-1_cloud-init.iso"), "mounted"],
    ["our medium in the second drive", named, hasMedium("tools.iso", "web01_uid-node-1_cloud-init.iso"), "mounted"],
    ["the predecessor's (checklist 30)", named, hasMedium("web01_cloud-init.iso"), "mounted"],
    ["a namesake's", named, hasMedium("web01_uid-node-2_cloud-init.iso"), "missing"],
    ["an installer's", named, hasMedium("ubuntu-24.04.iso"), "missing"],
    ["none wanted (checklist 11)", scvmmMachine({ spec: { bootstrap: {} } }), hasMedium(), "unwanted"],
    [
      "none wanted, one there",
      scvmmMachine({ spec: { bootstrap: {} } }),
      hasMedium("node-1_cloud-init.iso"),
      "unwanted"
    ],
    ["stand-alone with data", scvmmMachine({ spec: { bootstrap: { dataSecretName: "s" } } }), hasMedium(), "missing"]
  ])("%s", (_name, machine, vm, state) => {
    assert.strictEqual(seedState(machine, vm), state)
  })
})

describe("SeedContent.hostnameOf", () => {
  const networking = { domain: "example.org" }
  it("the first label of the VM's name, and the domain", () => {
    const machine = scvmmMachine({ spec: { vmName: "web01.pool", networking } })
    assert.strictEqual(success(hostnameOf(machine, machine.spec.networking)), "web01.example.org")
  })

  it("the object's name while no other is stored", () => {
    assert.strictEqual(success(hostnameOf(scvmmMachine({ spec: { networking } }), networking)), "node-1.example.org")
  })

  it("the domain of the failure domain, when the networking is its own (checklist 9)", () => {
    assert.strictEqual(success(hostnameOf(scvmmMachine(), networking)), "node-1.example.org")
    const metadata = { "local-ipv4": "x" }
    const seed = success(seedOf(scvmmMachine({ spec: { metadata } }), networking, "id", new Uint8Array()))
    assert.deepInclude(seed, { hostname: "node-1.example.org", vmId: "id", metadata })
  })

  it("a template that cannot be rendered fails, and is named", () => {
    const hostname = '{{ env "SCVMM_PASSWORD" }}'
    const result = hostnameOf(scvmmMachine({ spec: { hostname } }), networking)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.include(result.failure.message, "spec.hostname")
    assert.isTrue(Result.isFailure(seedOf(scvmmMachine({ spec: { hostname } }), networking, "id", new Uint8Array())))
  })
})

describe("SeedContent.seedOf", () => {
  const seedWith = (networking: Networking | undefined) =>
    success(seedOf(scvmmMachine({ spec: { hostname: "h" } }), networking, "id", new Uint8Array([1, 2])))

  it("without devices there is no network configuration (checklist 28)", () => {
    assert.notProperty(seedWith(undefined), "network")
    assert.notProperty(seedWith({ domain: "example.org" }), "network")
    assert.deepStrictEqual(seedWith({ devices: [] }).network, [])
  })

  it("user-data goes as it is", () => {
    assert.deepStrictEqual([...seedWith(undefined).userData], [1, 2])
  })

  it.prop(
    "each device keeps what it has, and asks DHCP when nothing else gives an address",
    { networking: Networking },
    (it) => {
      const { network } = seedWith(it.networking)
      assert.lengthOf(network ?? [], it.networking.devices?.length ?? 0)
      for (const [i, device] of (it.networking.devices ?? []).entries()) {
        const made = network?.[i]
        assert.isDefined(made)
        const bare = (device.ipAddresses ?? []).length === 0
        assert.deepInclude(made, {
          deviceName: device.deviceName,
          addresses: device.ipAddresses ?? [],
          nameservers: device.nameservers ?? [],
          searchDomains: device.searchDomains ?? [],
          routes: device.routes ?? [],
          dhcp4: device.dhcp4 ?? bare,
          dhcp6: device.dhcp6 ?? bare
        })
        const { gateway, gateway6, mtu, macAddress } = device
        assert.deepStrictEqual(
          [made.gateway4, made.gateway6, made.mtu, made.macAddress],
          [gateway, gateway6, mtu, macAddress]
        )
      }
    },
    rich
  )
})
