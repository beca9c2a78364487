/** New-SCVirtualMachine: what a new VM is made of, where it is placed, and the job that builds it up step by step. */
import * as Effect from "effect/Effect"
import { hostsIn, scope } from "./Fabric.ts"
import { sameText } from "./Inventory.ts"
import type { VirtualHardDisk } from "./Inventory.ts"
import type { Job } from "./Job.ts"
import { start as startJob } from "./JobRunner.ts"
import type { Started } from "./JobRunner.ts"
import { duration, insert } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import { isPlaceholder } from "./References.ts"
import type { Request, Resolved } from "./References.ts"
import type { Disk, NetworkAdapter, VirtualMachine } from "./VirtualMachine.ts"
import { vmmError } from "./VmmError.ts"

const mebibyte = 1024 ** 2
/** What an empty dynamic disk occupies. */
const emptyDisk = 4 * mebibyte

interface Build {
  readonly adapters: ReadonlyArray<NetworkAdapter>
  readonly disks: ReadonlyArray<Disk>
  /** The host refuses to build this. */
  readonly refusal: string | undefined
}

const extension = (disk: VirtualHardDisk | undefined): string => (disk?.format === "VHD" ? "vhd" : "vhdx")

const diskBuild = (model: Model, request: Request, resolved: Resolved): Pick<Build, "disks" | "refusal"> => {
  const place = (lun: number): Pick<Disk, "busType" | "bus" | "lun"> => ({
    busType: resolved.generation === 1 && lun === 0 ? "IDE" : "SCSI",
    bus: 0,
    lun
  })
  const ofTemplate = (resolved.template?.virtualHardDisks ?? []).map((name) =>
    model.fabric.virtualHardDisks.find((disk) => sameText(disk.name, name))
  )
  const taken = request.Disks.findIndex((disk, lun) => lun < ofTemplate.length && !isPlaceholder(disk))
  const kept = ofTemplate.map((library, lun) => ({
    ...place(lun),
    id: model.entropy.guid(),
    fileName: `${library?.name.replace(/\.vhdx?$/iu, "") ?? "disk"}.${extension(library)}`,
    size: library?.size ?? emptyDisk,
    maximumSize: library?.maximumSize ?? emptyDisk
  }))
  const added = request.Disks.flatMap((disk, lun) => {
    if (isPlaceholder(disk) || lun < ofTemplate.length) return []
    const library = resolved.disks[lun]
    // A copy is as large as the library's disk, whatever size was asked for.
    const maximumSize = library?.maximumSize ?? disk.SizeMB * mebibyte
    return [
      {
        ...place(lun),
        id: model.entropy.guid(),
        fileName: `${request.Name}_disk_${lun + 1}.${extension(library)}`,
        size: library?.size ?? (disk.Dynamic ? Math.min(emptyDisk, maximumSize) : maximumSize),
        maximumSize
      }
    ]
  })
  return {
    disks: [...kept, ...added],
    refusal:
      taken < 0
        ? undefined
        : `a disk of the template is attached to the location ${place(taken).busType} 0:${taken} already`
  }
}

const adapterBuild = (model: Model, request: Request, resolved: Resolved): ReadonlyArray<NetworkAdapter> =>
  Array.from({ length: Math.max(resolved.networkAdapters, request.NetworkDevices.length) }, (_, slot) => ({
    slot,
    name: request.Name,
    macAddress: request.NetworkDevices[slot]?.MACAddress ?? `00:1D:D8:B7:${octet(model)}:${octet(model)}`,
    vmNetwork: resolved.networks[slot]?.name,
    ipv4: [],
    ipv6: []
  }))

const octet = (model: Model): string => model.entropy.hex(2).toUpperCase()

const memoryRefusal = (request: Request, startup: number): string | undefined => {
  const minimum = request.DynamicMemoryMinimumMB ?? startup
  const maximum = request.DynamicMemoryMaximumMB ?? startup
  return minimum <= startup && startup <= maximum
    ? undefined
    : `the startup memory ${startup} MB does not lie between minimum ${minimum} MB and maximum ${maximum} MB`
}

/** What the profile cannot boot is refused when the template is made: 23352. */
export const checkBootDisk = (resolved: Resolved): Effect.Effect<void, Terminated> =>
  resolved.generation === 2 && resolved.template === undefined && resolved.disks[0]?.format === "VHD"
    ? Effect.fail(vmmError(23352, "New-SCVMTemplate"))
    : Effect.void

/** Update-SCVMConfiguration: the host with the fewest VMs among those in scope that carry the networks. Undefined for none. */
export const placement = (model: Model, resolved: Resolved): string | undefined => {
  const load = (host: string): number => [...model.virtualMachines.values()].filter((vm) => vm.hostName === host).length
  const [host] = hostsIn(
    model.fabric,
    scope(resolved.hostGroup, resolved.cloud),
    resolved.networks.map((network) => network.logicalNetwork),
    resolved.clustered
  ).toSorted((a, b) => load(a) - load(b))
  return host
}

/**
 * Puts the VM into VMM's database as UnderCreation and starts the job that builds it: host, VMId and BiosGuid first, then
 * adapters and disks one by one, PowerOff at the end, or CreationFailed. Names are not looked at: the same name again
 * makes a second VM.
 */
export const create = (
  model: Model,
  request: Request,
  resolved: Resolved,
  hostName: string,
  templateName: string | undefined
): Effect.Effect<{ readonly vm: VirtualMachine } & Started, Terminated> =>
  Effect.gen(function* () {
    const startup = request.MemoryMB ?? request.DynamicMemoryMinimumMB ?? resolved.memoryMB
    const { disks, refusal } = diskBuild(model, request, resolved)
    const adapters = adapterBuild(model, request, resolved)
    const detail = refusal ?? memoryRefusal(request, startup)
    const now = model.now()
    const vm: VirtualMachine = {
      id: model.entropy.guid(),
      vmId: undefined,
      biosGuid: undefined,
      name: request.Name,
      description: [request.Description ?? "", request.Marker].filter((text) => text !== "").join("\n"),
      state: "UnderCreation",
      updating: false,
      hostName: undefined,
      cloud: resolved.cloud?.name,
      generation: resolved.generation,
      cpuCount: request.CPUCount,
      memoryMB: startup,
      createdAt: now,
      modifiedAt: now,
      computerName: undefined,
      adapters: [],
      disks: [],
      dvds: [],
      lock: undefined,
      mostRecentTask: undefined,
      guest: undefined
    }
    const parts = [
      ...adapters.map((adapter) => () => void vm.adapters.push(adapter)),
      ...disks.map((disk) => () => void vm.disks.push(disk))
    ]
    insert(model, vm)
    const template = templateName === undefined ? undefined : model.templates.get(templateName)
    const unlock = (job: Job | undefined): void => {
      if (template !== undefined && template.lock === job) template.lock = undefined
    }
    const started = yield* startJob(model, {
      vm,
      resultName: vm.name,
      resultObjectId: vm.id,
      kind: "Create",
      name: "Create virtual machine",
      cmdlet: "New-SCVirtualMachine",
      millis: duration(model, "create"),
      begin: () => {
        if (template !== undefined) template.lock = vm.lock
      },
      steps: [
        {
          at: 0.3,
          run: () => {
            vm.hostName = hostName
            vm.vmId = model.entropy.guid().toUpperCase()
            vm.biosGuid = model.entropy.guid().toUpperCase()
          }
        },
        // Evenly from 40 % to 90 %.
        ...parts.map((run, index) => ({ at: 0.4 + (0.5 * index) / parts.length, run }))
      ],
      succeed: Effect.sync(() => {
        unlock(vm.lock)
        vm.state = "PowerOff"
      }),
      fail: () => {
        unlock(vm.lock)
        vm.state = "CreationFailed"
      },
      doomed: detail === undefined ? undefined : { code: 12700, detail }
    })
    return { vm, ...started }
  })
