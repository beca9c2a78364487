/** What a simulated SCVMM manages before any VM exists: given as data, names unique only where VMM makes them so. */
import * as Schema from "effect/Schema"

const Generation = Schema.Literals([1, 2])

export const Account = Schema.Struct({
  /** As it logs on: DOMAIN\user or user@domain; case does not matter. */
  userName: Schema.String,
  /** A simulated password: it opens nothing else. */
  password: Schema.String
})
export type Account = typeof Account.Type

export const Cluster = Schema.Struct({
  name: Schema.String,
  /** Path of its host group. */
  hostGroup: Schema.String,
  hosts: Schema.Array(Schema.String),
  /** Logical networks that its hosts' virtual switches carry. */
  logicalNetworks: Schema.Array(Schema.String)
})
export type Cluster = typeof Cluster.Type

export const VMNetwork = Schema.Struct({
  name: Schema.String,
  logicalNetwork: Schema.String,
  subnets: Schema.Array(Schema.String)
})
export type VMNetwork = typeof VMNetwork.Type

export const VirtualHardDisk = Schema.Struct({
  /** VMM's name of the object: often without extension. */
  name: Schema.String,
  sharePath: Schema.String,
  format: Schema.Literals(["VHD", "VHDX"]),
  /** Bytes in the file, and at most. */
  size: Schema.Int,
  maximumSize: Schema.Int,
  operatingSystem: Schema.optionalKey(Schema.String)
})
export type VirtualHardDisk = typeof VirtualHardDisk.Type

export const HardwareProfile = Schema.Struct({
  name: Schema.String,
  generation: Generation,
  memoryMB: Schema.Int,
  networkAdapters: Schema.Int
})
export type HardwareProfile = typeof HardwareProfile.Type

export const VMTemplate = Schema.Struct({
  name: Schema.String,
  generation: Generation,
  memoryMB: Schema.Int,
  networkAdapters: Schema.Int,
  operatingSystem: Schema.String,
  /** Names of library disks; the first is the boot disk. */
  virtualHardDisks: Schema.Array(Schema.String)
})
export type VMTemplate = typeof VMTemplate.Type

export const Inventory = Schema.Struct({
  vmmServer: Schema.Struct({ name: Schema.String, productVersion: Schema.String, userRole: Schema.String }),
  accounts: Schema.Array(Account),
  /** Hosts that run our PowerShell; each has a temporary folder of its own. */
  execHosts: Schema.NonEmptyArray(Schema.String),
  /** Paths: `All Hosts\a\b`. The name of a group is the last part of its path. */
  hostGroups: Schema.Array(Schema.String),
  clusters: Schema.Array(Cluster),
  standaloneHosts: Schema.Array(Schema.Struct({ name: Schema.String, hostGroup: Schema.String })),
  clouds: Schema.Array(Schema.Struct({ name: Schema.String, hostGroups: Schema.Array(Schema.String) })),
  vmNetworks: Schema.Array(VMNetwork),
  operatingSystems: Schema.Array(Schema.String),
  virtualHardDisks: Schema.Array(VirtualHardDisk),
  hardwareProfiles: Schema.Array(HardwareProfile),
  vmTemplates: Schema.Array(VMTemplate),
  /** UNC paths; a share that is not writable takes no import. */
  libraryShares: Schema.Array(Schema.Struct({ path: Schema.String, writable: Schema.Boolean })),
  storageQoSPolicies: Schema.Array(Schema.String),
  virtualSANs: Schema.Array(Schema.String),
  storageFabricClassifications: Schema.Array(Schema.String)
})
export type Inventory = typeof Inventory.Type

/** PowerShell's -eq on strings. */
export const sameText = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

/** The last part of a host group's path. */
export const groupName = (path: string): string => path.slice(path.lastIndexOf("\\") + 1)

/** Whether a path is another one or lies below it, by whole parts. */
export const within = (path: string, ancestor: string): boolean =>
  sameText(path, ancestor) || path.toLowerCase().startsWith(`${ancestor.toLowerCase()}\\`)

/** Whether an account of this name and password exists. */
export const authenticates = (inventory: Inventory, userName: string, password: string): boolean =>
  inventory.accounts.some((account) => sameText(account.userName, userName) && account.password === password)
