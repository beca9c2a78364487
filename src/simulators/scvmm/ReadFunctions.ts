/** The functions that only look: Connect-CapsServer, Get-, Find- and Get-…List. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { VirtualMachine as VirtualMachineDocument } from "../../../schemas/vmm/VirtualMachine.ts"
import {
  ConnectServer,
  ErrorId,
  FindVirtualMachine,
  GetVirtualMachine,
  GetVirtualMachineList
} from "../../../schemas/vmm/Verb.ts"
import { authenticates, sameText } from "./Inventory.ts"
import * as Job from "./Job.ts"
import { pause } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import { implement } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { bindingError, functionError, vmmCode, vmmError } from "./VmmError.ts"

/** Most VMs in one answer document. */
const pageSize = 200

const guid = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/iu

/** PowerShell's cast to [guid], in its spelling. */
export const castGuid = (functionName: string, text: string): Effect.Effect<string, Terminated> => {
  const value = guid.exec(text)?.[1]
  return value === undefined
    ? Effect.fail(
        bindingError(
          "ParameterArgumentTransformationError",
          functionName,
          `Cannot convert value "${text}" to type "System.Guid".`
        )
      )
    : Effect.succeed(value.toLowerCase())
}

/** Get-SCVirtualMachine -ID: undefined when VMM has none. */
export const select = (
  model: Model,
  functionName: string,
  id: string
): Effect.Effect<VirtualMachine.VirtualMachine | undefined, Terminated> =>
  Effect.gen(function* () {
    const key = yield* castGuid(functionName, id)
    yield* pause(model, "get")
    return model.virtualMachines.get(key)
  })

/** As `select`; throws VirtualMachineNotFound. */
export const resolve = (
  model: Model,
  functionName: string,
  id: string
): Effect.Effect<VirtualMachine.VirtualMachine, Terminated> =>
  Effect.gen(function* () {
    const vm = yield* select(model, functionName, id)
    if (vm !== undefined) return vm
    return yield* Effect.fail(
      functionError(ErrorId.virtualMachineNotFound, functionName, `VMM has no virtual machine with id ${id}`, {
        Id: id
      })
    )
  })

/** A step on a VM: an error of VMM's becomes VirtualMachineNotFound when VMM has the VM no more. */
export const step = <A>(
  model: Model,
  functionName: string,
  id: string,
  cmdlet: Effect.Effect<A, Terminated>
): Effect.Effect<A, Terminated> =>
  cmdlet.pipe(
    Effect.tapError((failure) =>
      vmmCode(failure) === undefined ? Effect.void : Effect.asVoid(resolve(model, functionName, id))
    )
  )

/** Get-SCVirtualMachine -Name: all of that name. */
export const byName = (model: Model, name: string): ReadonlyArray<VirtualMachine.VirtualMachine> =>
  [...model.virtualMachines.values()].filter((vm) => sameText(vm.name, name))

const hour = 3600 * 1000

export const connectServer = implement(ConnectServer, (caller, parameters) =>
  Effect.gen(function* () {
    const { inventory } = caller.model.fabric
    yield* pause(caller.model, "connect")
    if (!sameText(parameters.VMMServer, inventory.vmmServer.name)) {
      return yield* Effect.fail(
        vmmError(1602, "Get-SCVMMServer", {
          problem: `Unable to connect to the Virtual Machine Manager server ${parameters.VMMServer}. The Virtual Machine Manager service on that server did not respond.`
        })
      )
    }
    if (!authenticates(inventory, parameters.Credential.userName, Redacted.value(parameters.Credential.password))) {
      return yield* Effect.fail(
        vmmError(1604, "Get-SCVMMServer", {
          problem: `You cannot access VMM management server ${parameters.VMMServer}.`
        })
      )
    }
    caller.connected = true
    caller.model.library.removeStale(caller.execHost, caller.model.now() - hour)
    return [
      {
        Name: inventory.vmmServer.name,
        ProductVersion: inventory.vmmServer.productVersion,
        ModuleVersion: "1.0.0",
        ComputerName: caller.execHost,
        UserRole: inventory.vmmServer.userRole
      }
    ]
  })
)

export const getVirtualMachine = implement(GetVirtualMachine, ({ model }, { Id }) =>
  Effect.map(resolve(model, GetVirtualMachine.name, Id), (vm) => [VirtualMachine.document(vm, model.now())])
)

export const findVirtualMachine = implement(FindVirtualMachine, ({ model }, { Name }) =>
  Effect.gen(function* () {
    yield* pause(model, "get")
    yield* pause(model, "get")
    const now = model.now()
    return [
      {
        VirtualMachines: byName(model, Name).map((vm) => VirtualMachine.document(vm, now)),
        CreationJobs: model.jobs
          .filter((job) => job.kind === "Create" && Job.isRunning(job) && sameText(job.resultName, Name))
          .map((job) => Job.document(job, now))
      }
    ]
  })
)

export const getVirtualMachineList = implement(GetVirtualMachineList, ({ model }, { Ids, MarkerText }) =>
  Effect.gen(function* () {
    const found: Array<VirtualMachineDocument> = []
    const missing: Array<string> = []
    if (Ids !== undefined) {
      for (const id of Ids) {
        const vm = yield* select(model, GetVirtualMachineList.name, id)
        if (vm === undefined) missing.push(id)
        else found.push(VirtualMachine.document(vm, model.now()))
      }
    } else if (MarkerText !== undefined) {
      yield* pause(model, "get")
      for (let listed = 0; listed < model.virtualMachines.size; listed += 100) yield* pause(model, "listHundred")
      for (const vm of model.virtualMachines.values()) {
        if (vm.description.includes(MarkerText)) found.push(VirtualMachine.document(vm, model.now()))
      }
    }
    const pages = Math.max(1, Math.ceil(found.length / pageSize))
    return Array.from({ length: pages }, (_, page) => ({
      VirtualMachines: found.slice(page * pageSize, (page + 1) * pageSize),
      Missing: page === 0 ? missing : []
    }))
  })
)
