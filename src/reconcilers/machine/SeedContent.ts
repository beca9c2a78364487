/** What a machine's seed medium holds and what its file is called: pure. */
import * as Result from "effect/Result"
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { Networking } from "../../../schemas/scvmm/Networking.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import * as HostnameTemplate from "../../../layers/seed/HostnameTemplate.ts"
import type { NetworkDevice, Seed } from "../../../layers/seed/NoCloud.ts"
import { vmNameOf } from "./Creation.ts"

/** Named by machine UID, so that equal VM names in two clouds never overwrite each other, and leftovers are found. */
export const fileNameOf = (machine: ScvmmMachine): string =>
  `${vmNameOf(machine)}_${machine.metadata.uid}_cloud-init.iso`

/** The predecessor's name for it: a VM that carries such a medium is seeded (checklist 30). */
const formerFileName = (machine: ScvmmMachine): string => `${vmNameOf(machine)}_cloud-init.iso`

/** Whether a seed is wanted, and whether it is in a drive. `bootstrap: {}` wants none (checklist 11). */
export const seedState = (machine: ScvmmMachine, vm: VirtualMachine): "unwanted" | "missing" | "mounted" => {
  if (machine.spec.bootstrap !== undefined && machine.spec.bootstrap.dataSecretName === undefined) return "unwanted"
  const names = new Set([fileNameOf(machine), formerFileName(machine)].map((name) => name.toLowerCase()))
  return vm.DvdDrives.some((drive) => names.has((drive.IsoFileName ?? "").toLowerCase())) ? "mounted" : "missing"
}

type Device = NonNullable<Networking["devices"]>[number]

/** DHCP is on where nothing else gives an address. */
const deviceOf = (device: Device): NetworkDevice => {
  const addresses = device.ipAddresses ?? []
  return {
    deviceName: device.deviceName,
    addresses,
    ...(device.gateway !== undefined && { gateway4: device.gateway }),
    ...(device.gateway6 !== undefined && { gateway6: device.gateway6 }),
    nameservers: device.nameservers ?? [],
    searchDomains: device.searchDomains ?? [],
    dhcp4: device.dhcp4 ?? addresses.length === 0,
    dhcp6: device.dhcp6 ?? addresses.length === 0,
    routes: device.routes ?? [],
    ...(device.mtu !== undefined && { mtu: device.mtu }),
    ...(device.macAddress !== undefined && { macAddress: device.macAddress })
  }
}

/** The host name by spec.hostname's template, over the machine as JSON with the name and the networking that its VM has. */
export const hostnameOf = (
  machine: ScvmmMachine,
  networking: Networking | undefined
): Result.Result<string, HostnameTemplate.HostnameInvalid> =>
  HostnameTemplate.render(machine.spec.hostname, {
    ...machine,
    spec: { ...machine.spec, vmName: vmNameOf(machine), networking }
  })

export const seedOf = (
  machine: ScvmmMachine,
  networking: Networking | undefined,
  vmId: string,
  userData: Uint8Array
): Result.Result<Seed, HostnameTemplate.HostnameInvalid> =>
  Result.map(hostnameOf(machine, networking), (hostname) => ({
    vmId,
    hostname,
    metadata: machine.spec.metadata ?? {},
    userData,
    ...(networking?.devices !== undefined && { network: networking.devices.map(deviceOf) })
  }))
