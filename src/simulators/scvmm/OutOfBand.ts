/** What happens to VMs without our functions: an administrator, a failing host, another client. */
import * as Effect from "effect/Effect"
import { cancel } from "./JobRunner.ts"
import type { Fault } from "./Fault.ts"
import { insert } from "./Model.ts"
import type { Model } from "./Model.ts"
import { powerDown } from "./Power.ts"
import type { VirtualMachine } from "./VirtualMachine.ts"

export interface OutOfBand {
  /** Cuts the power of a running VM; any other is left as it is. */
  readonly powerOff: (id: string) => Effect.Effect<void>
  /** Deletes a VM with everything that is under way on it. */
  readonly delete: (id: string) => Effect.Effect<void>
  readonly rename: (id: string, name: string) => Effect.Effect<void>
  readonly setDescription: (id: string, description: string) => Effect.Effect<void>
  /** Moves a VM to another host; its VMId stays. */
  readonly migrate: (id: string, hostName: string) => Effect.Effect<void>
  /** Clones a VM: another one of the same name, powered off, with or without the description. Answers its id. */
  readonly duplicate: (id: string, options?: { readonly description?: boolean }) => Effect.Effect<string | undefined>
  /** Stop-SCJob: also ends a job that is stuck. */
  readonly cancelJob: (jobId: string) => Effect.Effect<void>
  /** Puts a temporary template in, as a run that was cut off leaves it. */
  readonly leaveTemplate: (name: string) => Effect.Effect<void>
  /** Puts a medium on an exec host's disk, as an import leaves it that is killed with its process. */
  readonly leaveMedium: (execHost: string, fileName: string) => Effect.Effect<void>
  readonly inject: (fault: Fault) => Effect.Effect<void>
}

export const make = (model: Model): OutOfBand => {
  const change = (id: string, f: (vm: VirtualMachine) => void): Effect.Effect<void> =>
    Effect.sync(() => {
      const vm = model.virtualMachines.get(id)
      if (vm === undefined) return
      f(vm)
      vm.modifiedAt = model.now()
    })
  return {
    powerOff: (id) =>
      Effect.suspend(() => {
        const vm = model.virtualMachines.get(id)
        if (vm === undefined || vm.state !== "Running") return Effect.void
        vm.state = "PowerOff"
        vm.modifiedAt = model.now()
        return powerDown(vm)
      }),
    delete: (id) =>
      Effect.suspend(() => {
        const vm = model.virtualMachines.get(id)
        if (vm === undefined) return Effect.void
        model.virtualMachines.delete(id)
        return Effect.andThen(vm.lock === undefined ? Effect.void : cancel(model, vm.lock.id), powerDown(vm))
      }),
    rename: (id, name) =>
      change(id, (vm) => {
        vm.name = name
      }),
    setDescription: (id, description) =>
      change(id, (vm) => {
        vm.description = description
      }),
    migrate: (id, hostName) =>
      change(id, (vm) => {
        vm.hostName = hostName
      }),
    duplicate: (id, options) =>
      Effect.sync(() => {
        const vm = model.virtualMachines.get(id)
        if (vm === undefined) return undefined
        const now = model.now()
        const clone: VirtualMachine = {
          ...vm,
          id: model.entropy.guid(),
          vmId: model.entropy.guid().toUpperCase(),
          biosGuid: model.entropy.guid().toUpperCase(),
          description: options?.description === false ? "" : vm.description,
          state: "PowerOff",
          updating: false,
          createdAt: now,
          modifiedAt: now,
          computerName: undefined,
          adapters: vm.adapters.map((adapter) => ({ ...adapter, ipv4: [], ipv6: [] })),
          disks: vm.disks.map((disk) => ({ ...disk, id: model.entropy.guid() })),
          dvds: vm.dvds.map((drive) => ({ ...drive })),
          lock: undefined,
          mostRecentTask: undefined,
          guest: undefined
        }
        insert(model, clone)
        return clone.id
      }),
    cancelJob: (jobId) => cancel(model, jobId),
    leaveTemplate: (name) => Effect.sync(() => void model.templates.set(name, { name, lock: undefined })),
    leaveMedium: (execHost, fileName) =>
      Effect.sync(() => model.library.addTemporary({ execHost, fileName, writtenAt: model.now() })),
    inject: (fault) => Effect.sync(() => model.faults.inject(fault))
  }
}
