/** Turns the names of a create call into objects of the fabric, or says which field names nothing or too much. */
import * as Result from "effect/Result"
import { ErrorId, NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import type { Verb } from "../../../schemas/vmm/Verb.ts"
import { clustersIn, scope } from "./Fabric.ts"
import type { Cloud, Fabric, HostGroup, Named } from "./Fabric.ts"
import { sameText } from "./Inventory.ts"
import type { VirtualHardDisk, VMNetwork, VMTemplate } from "./Inventory.ts"
import { Terminated } from "./PowerShellHost.ts"
import { functionError } from "./VmmError.ts"

type ParametersOf<V> = V extends Verb<infer P, infer _> ? P : never
export type Request = ParametersOf<typeof NewVirtualMachine>

export interface Resolved {
  readonly cloud: Cloud | undefined
  readonly hostGroup: HostGroup | undefined
  readonly template: VMTemplate | undefined
  readonly generation: number
  readonly memoryMB: number
  readonly networkAdapters: number
  readonly operatingSystem: string
  /** By index of Disks; undefined where the entry names no library disk. */
  readonly disks: ReadonlyArray<VirtualHardDisk | undefined>
  readonly networks: ReadonlyArray<VMNetwork>
  /** It belongs to an availability set: a name made on use, which only clusters have. */
  readonly clustered: boolean
}

type Candidate = Named & { readonly logicalNetwork?: string }

const functionName = NewVirtualMachine.name

const isGiven = (value: string | undefined): value is string => value !== undefined && value !== ""

/** An entry that keeps the template's disk of its index. */
export const isPlaceholder = (disk: Request["Disks"][number]): boolean => disk.SizeMB === 0 && !isGiven(disk.VHDisk)

/** A candidate as a person may choose it; VM networks of one name differ by their logical network. */
const label = (candidate: Candidate): string =>
  `${candidate.name} (${candidate.logicalNetwork === undefined ? "" : `${candidate.logicalNetwork}, `}${candidate.id})`

const unresolved = (id: string, field: string, value: string, candidates: ReadonlyArray<Candidate>): Terminated =>
  functionError(
    id,
    functionName,
    `${field}: VMM has ${id === ErrorId.referenceNotFound ? "no" : "several"} '${value}'`,
    {
      Field: field,
      Value: value,
      Candidates: candidates.toSorted((a, b) => (a.id < b.id ? -1 : 1)).map(label)
    }
  )

const matching = <A extends Named>(items: ReadonlyArray<A>, value: string): ReadonlyArray<A> =>
  items.filter((item) => sameText(item.name, value) || sameText(item.id, value))

const one = <A extends Named>(items: ReadonlyArray<A>, field: string, value: string): A => {
  const found = matching(items, value)
  const [first] = found
  if (first === undefined) throw unresolved(ErrorId.referenceNotFound, field, value, [])
  if (found.length > 1) throw unresolved(ErrorId.referenceAmbiguous, field, value, found)
  return first
}

const optional = <A extends Named>(items: ReadonlyArray<A>, field: string, value: string | undefined): A | undefined =>
  isGiven(value) ? one(items, field, value) : undefined

const fileName = (path: string): string => path.slice(path.lastIndexOf("\\") + 1)

const withoutExtension = (name: string): string => name.replace(/\.[^.]*$/u, "")

/** By id or by name, else by file name when VMM's name lacks the extension; copies on several shares count as one disk, the first by path. */
const hardDisk = (fabric: Fabric, field: string, value: string): VirtualHardDisk => {
  const exact = matching(fabric.virtualHardDisks, value)
  const found =
    exact.length > 0
      ? exact
      : fabric.virtualHardDisks.filter(
          (disk) => sameText(disk.name, withoutExtension(value)) && sameText(fileName(disk.sharePath), value)
        )
  const [first] = found.toSorted((a, b) => (a.sharePath < b.sharePath ? -1 : 1))
  if (first === undefined) throw unresolved(ErrorId.referenceNotFound, field, value, [])
  return first
}

/** By path, which is unique, else by name or id. */
const hostGroupOf = (fabric: Fabric, value: string | undefined): HostGroup | undefined =>
  fabric.hostGroups.find((group) => value !== undefined && sameText(group.path, value)) ??
  optional(fabric.hostGroups, "hostGroup", value)

const resolveOrThrow = (fabric: Fabric, request: Request): Resolved => {
  const cloud = optional(fabric.clouds, "cloud", request.Cloud)
  const hostGroup = hostGroupOf(fabric, request.HostGroup)
  if (cloud === undefined && hostGroup === undefined) {
    throw unresolved(ErrorId.referenceNotFound, "hostGroup", request.HostGroup ?? "", [])
  }
  const disks = request.Disks.map((disk, index) => {
    if (isPlaceholder(disk)) return undefined
    const library = isGiven(disk.VHDisk) ? hardDisk(fabric, `disks[${index}].vhDisk`, disk.VHDisk) : undefined
    optional(fabric.storageQoSPolicies, `disks[${index}].storageQoSPolicy`, disk.StorageQoSPolicy)
    return library
  })
  const template = optional(fabric.vmTemplates, "vmTemplate", request.VMTemplate)
  // With a template, hardware profile and operating system may name anything.
  const hardware = template ?? one(fabric.hardwareProfiles, "hardwareProfile", request.HardwareProfile)
  const operatingSystem =
    template?.operatingSystem ??
    one(
      fabric.operatingSystems,
      "operatingSystem",
      isGiven(request.OperatingSystem)
        ? request.OperatingSystem
        : (disks.findLast((disk) => disk?.operatingSystem !== undefined)?.operatingSystem ?? "Other Linux (64 bit)")
    ).name
  const clusters = clustersIn(fabric, scope(hostGroup, cloud))
  const carried = new Set(clusters.flatMap((cluster) => cluster.logicalNetworks))
  const reachable = fabric.vmNetworks.filter((network) => carried.has(network.logicalNetwork))
  const networks = request.NetworkDevices.map((device, index) => {
    const network = one(reachable, `networking.devices[${index}].vmNetwork`, device.VMNetwork)
    const subnet = device.VMSubnet
    if (isGiven(subnet) && !network.subnets.some((name) => sameText(name, subnet))) {
      throw unresolved(ErrorId.referenceNotFound, `networking.devices[${index}].vmSubnet`, subnet, [])
    }
    return network
  })
  for (const [index, channel] of request.FibreChannel.entries()) {
    optional(fabric.virtualSANs, `fibreChannel[${index}].virtualSAN`, channel.VirtualSAN)
    optional(
      fabric.storageFabricClassifications,
      `fibreChannel[${index}].storageFabricClassification`,
      channel.StorageFabricClassification
    )
  }
  return {
    cloud,
    hostGroup,
    template,
    generation: hardware.generation,
    memoryMB: hardware.memoryMB,
    networkAdapters: hardware.networkAdapters,
    operatingSystem,
    disks,
    networks,
    clustered: isGiven(request.AvailabilitySet)
  }
}

/**
 * Resolves every name, in the order in which the function does. VM networks are looked for only among those that the
 * clusters of the host group and its children carry (of the cloud's host groups without one). Fails with
 * ReferenceNotFound or ReferenceAmbiguous, TargetObject {Field, Value, Candidates}.
 */
export const resolve = (fabric: Fabric, request: Request): Result.Result<Resolved, Terminated> => {
  try {
    return Result.succeed(resolveOrThrow(fabric, request))
  } catch (error) {
    if (error instanceof Terminated) return Result.fail(error)
    throw error
  }
}
