/** The files of a NoCloud seed: meta-data, user-data and network-config, as cloud-init reads them from a medium labelled cidata. */
import { stringify } from "yaml"
import type { IsoFile } from "./Iso9660.ts"

/** The volume label that cloud-init's NoCloud data source looks for. */
export const label = "cidata"

export interface Route {
  readonly to: string
  readonly via: string
  readonly metric?: number
}

/** One network device as the guest shall configure it. */
export interface NetworkDevice {
  readonly deviceName: string
  /** CIDRs, verbatim. */
  readonly addresses: ReadonlyArray<string>
  readonly gateway4?: string
  readonly gateway6?: string
  readonly nameservers: ReadonlyArray<string>
  readonly searchDomains: ReadonlyArray<string>
  readonly dhcp4: boolean
  readonly dhcp6: boolean
  readonly routes: ReadonlyArray<Route>
  readonly mtu?: number
  /** Colon or hyphen notation; with it the device is matched by address and given its name. */
  readonly macAddress?: string
}

export interface Seed {
  /** VMM's VMId: the instance-id, and what the provider id is made of. */
  readonly vmId: string
  readonly hostname: string
  /** Keys over the generated ones; they win. */
  readonly metadata: Readonly<Record<string, string>>
  /** The bootstrap Secret's bytes, unchanged. */
  readonly userData: Uint8Array
  /** Absent: no network-config file, so cloud-init asks DHCP on the first device. */
  readonly network?: ReadonlyArray<NetworkDevice>
}

// YAML 1.1, so that "yes", "on" and the like are quoted: cloud-init's reader would take them for booleans.
const yaml = (value: unknown): Uint8Array =>
  new TextEncoder().encode(stringify(value, { version: "1.1", lineWidth: 0, sortMapEntries: true }))

const colons = (mac: string): string => mac.replaceAll("-", ":").toLowerCase()

/** Default routes instead of gateway4, which netplan has deprecated. */
const routesOf = (device: NetworkDevice): ReadonlyArray<Route> => [
  ...(device.gateway4 === undefined ? [] : [{ to: "0.0.0.0/0", via: device.gateway4 }]),
  ...(device.gateway6 === undefined ? [] : [{ to: "::/0", via: device.gateway6 }]),
  ...device.routes
]

const ethernet = (device: NetworkDevice) => {
  const routes = routesOf(device)
  return {
    ...(device.macAddress !== undefined && {
      match: { macaddress: colons(device.macAddress) },
      "set-name": device.deviceName
    }),
    dhcp4: device.dhcp4,
    dhcp6: device.dhcp6,
    ...(device.addresses.length > 0 && { addresses: device.addresses }),
    ...(routes.length > 0 && { routes }),
    ...((device.nameservers.length > 0 || device.searchDomains.length > 0) && {
      nameservers: { addresses: device.nameservers, search: device.searchDomains }
    }),
    ...(device.mtu !== undefined && { mtu: device.mtu })
  }
}

export const metaData = (seed: Pick<Seed, "vmId" | "hostname" | "metadata">): Uint8Array =>
  yaml({ hostname: seed.hostname, "instance-id": seed.vmId, "local-hostname": seed.hostname, ...seed.metadata })

/** Network config version 2 at root level, without the key `network`. */
export const networkConfig = (devices: ReadonlyArray<NetworkDevice>): Uint8Array =>
  yaml({ version: 2, ethernets: Object.fromEntries(devices.map((device) => [device.deviceName, ethernet(device)])) })

export const files = (seed: Seed): ReadonlyArray<IsoFile> => [
  { name: "meta-data", content: metaData(seed) },
  { name: "user-data", content: seed.userData },
  ...(seed.network === undefined ? [] : [{ name: "network-config", content: networkConfig(seed.network) }])
]
