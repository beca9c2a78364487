/** The inventory as VMM knows it: every object with an id. */
import type { Entropy } from "./Entropy.ts"
import { groupName, within } from "./Inventory.ts"
import type { Cluster, HardwareProfile, Inventory, VirtualHardDisk, VMNetwork, VMTemplate } from "./Inventory.ts"

/** What a reference can name: by name, which may repeat, or by id. */
export interface Named {
  readonly id: string
  readonly name: string
}

export interface HostGroup extends Named {
  readonly path: string
}
export interface Cloud extends Named {
  readonly hostGroups: ReadonlyArray<string>
}

export interface Fabric {
  readonly inventory: Inventory
  readonly hostGroups: ReadonlyArray<HostGroup>
  readonly clouds: ReadonlyArray<Cloud>
  readonly vmNetworks: ReadonlyArray<VMNetwork & Named>
  readonly virtualHardDisks: ReadonlyArray<VirtualHardDisk & Named>
  readonly hardwareProfiles: ReadonlyArray<HardwareProfile & Named>
  readonly vmTemplates: ReadonlyArray<VMTemplate & Named>
  readonly operatingSystems: ReadonlyArray<Named>
  readonly storageQoSPolicies: ReadonlyArray<Named>
  readonly virtualSANs: ReadonlyArray<Named>
  readonly storageFabricClassifications: ReadonlyArray<Named>
}

export const make = (inventory: Inventory, entropy: Entropy): Fabric => {
  const identified = <A extends { readonly name: string }>(items: ReadonlyArray<A>): ReadonlyArray<A & Named> =>
    items.map((item) => ({ ...item, id: entropy.guid() }))
  const named = (names: ReadonlyArray<string>): ReadonlyArray<Named> => identified(names.map((name) => ({ name })))
  return {
    inventory,
    hostGroups: identified(inventory.hostGroups.map((path) => ({ path, name: groupName(path) }))),
    clouds: identified(inventory.clouds),
    vmNetworks: identified(inventory.vmNetworks),
    virtualHardDisks: identified(inventory.virtualHardDisks),
    hardwareProfiles: identified(inventory.hardwareProfiles),
    vmTemplates: identified(inventory.vmTemplates),
    operatingSystems: named(inventory.operatingSystems),
    storageQoSPolicies: named(inventory.storageQoSPolicies),
    virtualSANs: named(inventory.virtualSANs),
    storageFabricClassifications: named(inventory.storageFabricClassifications)
  }
}

/** Paths of host groups that bound a placement: the group's own, else those of the cloud. */
export const scope = (hostGroup: HostGroup | undefined, cloud: Cloud | undefined): ReadonlyArray<string> =>
  hostGroup === undefined ? (cloud?.hostGroups ?? []) : [hostGroup.path]

export const clustersIn = (fabric: Fabric, paths: ReadonlyArray<string>): ReadonlyArray<Cluster> =>
  fabric.inventory.clusters.filter((cluster) => paths.some((path) => within(cluster.hostGroup, path)))

/** Hosts below these paths that carry the logical networks, clustered ones first, or only those. */
export const hostsIn = (
  fabric: Fabric,
  paths: ReadonlyArray<string>,
  logicalNetworks: ReadonlyArray<string>,
  clusteredOnly: boolean
): ReadonlyArray<string> => [
  ...clustersIn(fabric, paths)
    .filter((cluster) => logicalNetworks.every((network) => cluster.logicalNetworks.includes(network)))
    .flatMap((cluster) => cluster.hosts),
  ...(clusteredOnly || logicalNetworks.length > 0
    ? []
    : fabric.inventory.standaloneHosts
        .filter((host) => paths.some((path) => within(host.hostGroup, path)))
        .map((host) => host.name))
]
