/** A simulated SCVMM: one model, the PowerShell of its exec hosts, what tests may look at and do to it. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Job as JobDocument } from "../../../schemas/vmm/Job.ts"
import type { VirtualMachine as VirtualMachineDocument } from "../../../schemas/vmm/VirtualMachine.ts"
import type { Boot } from "../guest/Guest.ts"
import { defaultInventory } from "./DefaultInventory.ts"
import type { Fault } from "./Fault.ts"
import { sameText } from "./Inventory.ts"
import type { Inventory } from "./Inventory.ts"
import * as Job from "./Job.ts"
import type { TemporaryFile } from "./Library.ts"
import { realistic } from "./Latency.ts"
import type { Latency } from "./Latency.ts"
import * as Model from "./Model.ts"
import * as ModelHost from "./ModelHost.ts"
import * as OutOfBand from "./OutOfBand.ts"
import type { PowerShellHost } from "./PowerShellHost.ts"
import type { SimulatedFunction } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"

export interface Options {
  readonly inventory?: Inventory
  readonly latency?: Latency
  /** The same seed, the same ids and durations. */
  readonly seed?: string | number
  /** What runs in a VM while it is on; nothing unless given. */
  readonly boot?: Boot
  readonly faults?: ReadonlyArray<Fault>
  /** Share of jobs that end SucceedWithInfo; 0.05 unless given. */
  readonly infoRate?: number
  /** These stand in for the usual functions of the same name. */
  readonly functions?: ReadonlyArray<SimulatedFunction>
}

/** What is there right now, beside what our functions would say: for invariants and summaries. */
export interface Introspection {
  readonly virtualMachines: () => ReadonlyArray<VirtualMachineDocument>
  readonly jobs: () => ReadonlyArray<JobDocument>
  /** UNC paths of media in the library. */
  readonly libraryMedia: () => ReadonlyArray<string>
  /** What imports have on their exec hosts' disks. */
  readonly temporaryFiles: () => ReadonlyArray<TemporaryFile>
  readonly temporaryTemplates: () => ReadonlyArray<string>
  /** Calls of our functions, by name. */
  readonly calls: () => ReadonlyMap<string, number>
  /** Machine UIDs that two or more VMs carry now. */
  readonly duplicates: () => ReadonlyArray<{ readonly uid: string; readonly ids: ReadonlyArray<string> }>
  /** Machine UIDs that two or more VMs carried at any time. */
  readonly everDuplicated: () => ReadonlyArray<string>
  /** What a finished deletion must not leave: VMs, media, temporary files and templates, by name. */
  readonly leftovers: () => ReadonlyArray<string>
}

export interface Scvmm {
  readonly inventory: Inventory
  /** The PowerShell of the first exec host. */
  readonly host: PowerShellHost
  /** The PowerShell of an exec host of the inventory, by name. */
  readonly execHost: (name: string) => PowerShellHost | undefined
  readonly state: Introspection
  readonly outOfBand: OutOfBand.OutOfBand
  /** Dies when a job or a guest dies of a defect; never ends otherwise. */
  readonly failed: Effect.Effect<never>
}

const introspect = (model: Model.Model): Introspection => {
  const libraryMedia = () => model.library.list().map((medium) => medium.sharePath)
  const temporaryFiles = () => model.library.temporaryFiles()
  const temporaryTemplates = () => [...model.templates.keys()]
  const virtualMachines = () =>
    [...model.virtualMachines.values()].map((vm) => VirtualMachine.document(vm, model.now()))
  return {
    virtualMachines,
    jobs: () => model.jobs.map((job) => Job.document(job, model.now())),
    libraryMedia,
    temporaryFiles,
    temporaryTemplates,
    calls: () => new Map(model.calls),
    duplicates: () => Model.duplicates(model),
    everDuplicated: () => [...model.everDuplicated],
    leftovers: () => [
      ...virtualMachines().map((vm) => `virtual machine ${vm.Name} (${vm.Id})`),
      ...libraryMedia().map((path) => `medium ${path}`),
      ...temporaryFiles().map((file) => `temporary file ${file.fileName} on ${file.execHost}`),
      ...temporaryTemplates().map((name) => `template ${name}`)
    ]
  }
}

/** Jobs and guests live in the scope of this call, not in the sessions that start them. */
export const make = (options: Options = {}): Effect.Effect<Scvmm, never, Scope.Scope> =>
  Effect.gen(function* () {
    const inventory = options.inventory ?? defaultInventory
    const model = yield* Model.make({
      inventory,
      latency: options.latency ?? realistic,
      seed: options.seed ?? "scvmm",
      boot: options.boot ?? (() => Effect.void),
      faults: options.faults ?? [],
      infoRate: options.infoRate ?? 0.05
    })
    const hostOf = (name: string) => ModelHost.make(model, name, options.functions)
    const hosts = new Map(inventory.execHosts.map((name) => [name, hostOf(name)]))
    return {
      inventory,
      host: hostOf(inventory.execHosts[0]),
      execHost: (name) => [...hosts].find(([known]) => sameText(known, name))?.[1],
      state: introspect(model),
      outOfBand: OutOfBand.make(model),
      failed: model.failed
    }
  })
