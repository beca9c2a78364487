/** Start, stop and remove a VM, with its guest: the cmdlets Start-, Stop- and Remove-SCVirtualMachine. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import type { Hardware } from "../guest/Guest.ts"
import { start as startJob } from "./JobRunner.ts"
import type { Started } from "./JobRunner.ts"
import { duration } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Terminated } from "./PowerShellHost.ts"
import type { State, VirtualMachine } from "./VirtualMachine.ts"
import { vmmError } from "./VmmError.ts"

/** Runs the guest in a scope of its own; what it reports shows at the next read of the VM. */
const boot = (model: Model, vm: VirtualMachine): void => {
  const scope = Scope.forkUnsafe(model.scope)
  const hardware: Hardware = {
    vmId: vm.vmId ?? "",
    name: vm.name,
    media: vm.dvds.flatMap((drive) => (drive.medium === undefined ? [] : [drive.medium.bytes])),
    adapters: vm.adapters.map((adapter) => ({
      slot: adapter.slot,
      macAddress: adapter.macAddress,
      vmNetwork: adapter.vmNetwork ?? ""
    })),
    report: (facts) =>
      Effect.sync(() => {
        if (vm.guest?.scope !== scope) return
        if (facts.computerName !== undefined) vm.computerName = facts.computerName
        for (const { slot, ipv4, ipv6 } of facts.addresses) {
          const adapter = vm.adapters.find((candidate) => candidate.slot === slot)
          if (adapter === undefined) continue
          adapter.ipv4 = ipv4
          adapter.ipv6 = ipv6
        }
      })
  }
  // The guest's fiber starts only after the VM knows it: its first report may come at once.
  const fiber = model.run(Effect.andThen(Effect.yieldNow, Scope.provide(model.boot(hardware), scope)))
  vm.guest = { scope, fiber }
}

/** Cuts the power: the guest ends and VMM no longer sees its addresses. */
export const powerDown = (vm: VirtualMachine): Effect.Effect<void> =>
  Effect.suspend(() => {
    const guest = vm.guest
    vm.guest = undefined
    for (const adapter of vm.adapters) {
      adapter.ipv4 = []
      adapter.ipv6 = []
    }
    if (guest === undefined) return Effect.void
    return Effect.andThen(Fiber.interrupt(guest.fiber), Scope.close(guest.scope, Exit.void))
  })

const guard = (
  model: Model,
  vm: VirtualMachine,
  cmdlet: string,
  allowed: ReadonlyArray<State>
): Effect.Effect<void, Terminated> =>
  Effect.suspend(() => {
    if (!model.virtualMachines.has(vm.id)) return Effect.fail(vmmError(801, cmdlet))
    if (vm.lock !== undefined) return Effect.fail(vmmError(2602, cmdlet))
    return allowed.includes(vm.state) ? Effect.void : Effect.fail(vmmError(1730, cmdlet))
  })

const result = (vm: VirtualMachine) => ({ vm, resultName: vm.name, resultObjectId: vm.id })

/** Start-SCVirtualMachine -RunAsynchronously: PowerOff → Starting → Running. Fails with 801, 2602, 1730. */
export const start = Effect.fn("Scvmm.start")(function* (model: Model, vm: VirtualMachine) {
  const cmdlet = "Start-SCVirtualMachine"
  yield* guard(model, vm, cmdlet, ["PowerOff"])
  return yield* startJob(model, {
    ...result(vm),
    kind: "Start",
    name: "Start virtual machine",
    cmdlet,
    millis: duration(model, "start"),
    begin: () => {
      vm.state = "Starting"
    },
    succeed: Effect.sync(() => {
      vm.state = "Running"
      boot(model, vm)
    }),
    fail: () => {
      vm.state = "PowerOff"
    }
  })
})

/**
 * Stop-SCVirtualMachine -RunAsynchronously. Force: Running → PoweringOff → PowerOff; Shutdown: Running until the guest is
 * down. Fails with 801, 2602, 1730.
 */
export const stop = Effect.fn("Scvmm.stop")(function* (model: Model, vm: VirtualMachine, mode: "Force" | "Shutdown") {
  const cmdlet = "Stop-SCVirtualMachine"
  yield* guard(model, vm, cmdlet, ["Running"])
  return yield* startJob(model, {
    ...result(vm),
    kind: mode === "Force" ? "Stop" : "Shutdown",
    name: mode === "Force" ? "Turn off virtual machine" : "Shut down virtual machine",
    cmdlet,
    millis: duration(model, mode === "Force" ? "stop" : "shutdown"),
    begin: () => {
      if (mode === "Force") vm.state = "PoweringOff"
    },
    succeed: Effect.suspend(() => {
      vm.state = "PowerOff"
      return powerDown(vm)
    }),
    fail: () => {
      vm.state = vm.guest === undefined ? "PowerOff" : "Running"
    }
  })
})

/** Remove-SCVirtualMachine -RunAsynchronously, with all files: Deleting → gone. Fails with 801, 2602, 1730. */
export const remove = (model: Model, vm: VirtualMachine): Effect.Effect<Started, Terminated> =>
  Effect.gen(function* () {
    const cmdlet = "Remove-SCVirtualMachine"
    yield* guard(model, vm, cmdlet, ["PowerOff", "CreationFailed"])
    const before = vm.state
    return yield* startJob(model, {
      ...result(vm),
      kind: "Remove",
      name: "Remove virtual machine",
      cmdlet,
      millis: duration(model, "remove"),
      begin: () => {
        vm.state = "Deleting"
      },
      succeed: Effect.sync(() => {
        model.virtualMachines.delete(vm.id)
      }),
      fail: () => {
        vm.state = before
      }
    })
  }).pipe(Effect.withSpan("Scvmm.remove"))
