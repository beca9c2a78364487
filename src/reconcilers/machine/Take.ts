/** Carries out one step of the plan, and says what the status should tell of it. */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import * as Patch from "../../../schemas/kube/Patch.ts"
import * as ProviderId from "../../../schemas/scvmm/ProviderId.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import * as Action from "../../runtime/Action.ts"
import * as Finalizer from "../../runtime/Finalizer.ts"
import { announce, announceFailure } from "./Announce.ts"
import { failed } from "./Conditions.ts"
import * as CreateStep from "./CreateStep.ts"
import { vmNameOf } from "./Creation.ts"
import { addressesOf, mirror, noVm } from "./Facts.ts"
import type { MachineContext } from "./MachineContext.ts"
import type { Step } from "./Plan.ts"
import * as PowerStep from "./PowerStep.ts"
import { seedState } from "./SeedContent.ts"
import { create, failuresOf, recover, startCall } from "./TakeCreation.ts"
import { again, findings, follow, later, type Taken } from "./Taken.ts"

/** Tries at leftovers (5 s, doubling to 10 min) before a deletion goes on without them. */
const patience = 8

/** How long a running VM without an address is looked at closely: later ones have no integration services. */
const addressPatience = Duration.toMillis(Duration.minutes(10))

/** Milliseconds; VmRunning's transition, or the end of time when it is not True yet. */
const runningSince = (machine: ScvmmMachine): number => {
  const running = machine.status.conditions?.find(({ type }) => type === Contract.Condition.vmRunning)
  const at = running?.status === "True" ? DateTime.make(running.lastTransitionTime ?? "") : Option.none()
  return Option.match(at, { onNone: () => Number.POSITIVE_INFINITY, onSome: DateTime.toEpochMillis })
}

/** spec.providerID first, then provisioned (contract rule 53). */
const settle = Effect.fnUntraced(function* (context: MachineContext, vm: VirtualMachine, step: Step) {
  const kube = yield* KubeClient
  const { machine } = context
  if (vm.VMId === undefined)
    return { machine, action: later, status: { fields: mirror(vm), findings: [] } } satisfies Taken as Taken
  const providerID = ProviderId.render(vm.VMId)
  const published =
    machine.spec.providerID === providerID
      ? machine
      : yield* kube.patch(
          ScvmmMachine,
          keyOf(machine),
          Patch.merge({ metadata: { uid: machine.metadata.uid }, spec: { providerID } })
        )
  const addresses = addressesOf(vm)
  const waited = (yield* Clock.currentTimeMillis) - runningSince(machine)
  yield* follow(context, vm, addresses.length === 0 && waited < addressPatience ? "transition" : "rest")
  if (machine.status.initialization?.provisioned !== true) {
    yield* announce(machine, "VmRunning", `VM ${vm.Name} up and running`)
  }
  return {
    machine: published,
    action: addresses.length === 0 ? later : Action.done,
    status: {
      fields: {
        ...mirror(vm),
        initialization: { provisioned: true },
        addresses: addresses.map((address) => ({ ...address }))
      },
      findings: findings(step, machine, addresses.length)
    }
  } satisfies Taken as Taken
})

const release = Effect.fn("Take.release")(function* (context: MachineContext) {
  const { machine, connection } = context
  const inventory = yield* Inventory
  const remaining = yield* PowerStep.tidy(context)
  const tidying = `${machine.metadata.uid}/tidy`
  const failures = remaining.length === 0 ? 0 : yield* context.workshop.attempts.failed(tidying, 0)
  if (remaining.length > 0 && failures <= patience) {
    const message = `the VM is gone; VMM still holds ${remaining.join(", ")}`
    yield* announceFailure(machine, "LeftoversRemain", message)
    return {
      machine,
      action: Action.requeueAfter(Duration.millis(yield* context.workshop.attempts.remaining(tidying, 0))),
      status: { fields: noVm, findings: failed("LeftoversRemain", message, { deletion: true, exists: false }) }
    } satisfies Taken as Taken
  }
  if (remaining.length > 0) {
    yield* announceFailure(machine, "LeftoversAbandoned", `left in VMM for a person to remove: ${remaining.join(", ")}`)
  }
  yield* context.workshop.attempts.succeeded(tidying)
  if (machine.spec.id !== undefined) yield* inventory.unfollow(connection.uid, machine.spec.id, keyOf(machine))
  yield* announce(machine, "VmDeleting", `Removed VM ${vmNameOf(machine)}`)
  yield* Finalizer.remove(ScvmmMachine, machine, Contract.machineFinalizer)
  return { machine, action: Action.done } satisfies Taken as Taken
})

/** Errors: those of SCVMM and of the API server, as they are. */
export const take = Effect.fn("Take.step")(function* (context: MachineContext, step: Step) {
  const { machine, connection } = context
  const told = (action: Action.Action, fields: ReturnType<typeof mirror> = {}): Taken => ({
    machine,
    action,
    status: { fields, findings: findings(step, machine) }
  })
  switch (step._tag) {
    case "AddFinalizer": {
      const held = yield* Finalizer.add(ScvmmMachine, machine, Contract.machineFinalizer)
      return { ...told(again), machine: held }
    }
    case "Wait":
      return told(Action.done, step.vm === undefined ? {} : mirror(step.vm))
    case "ReserveName": {
      const named = yield* CreateStep.reserveName(machine)
      return { ...told(again), machine: named }
    }
    case "Create":
      return yield* create(context, step)
    case "AwaitCall":
      return failuresOf(context, step.call) > 0 ? { machine, action: Action.done } : told(Action.done)
    case "Recover":
      return yield* recover(context, step)
    case "AwaitJob":
      yield* follow(context, step.vm, "transition")
      return told(later, mirror(step.vm))
    case "Expand":
      yield* announce(machine, "VmUpdatingDisks", `Expanding a disk of ${step.vm.Name} to ${step.growth.sizeMB} MiB`)
      yield* PowerStep.expand(context, step.vm, step.growth)
      yield* follow(context, step.vm, "transition")
      return told(later, mirror(step.vm))
    case "Seed":
      return yield* startCall(context, "seed", step)
    case "Start":
      if (seedState(machine, step.vm) === "unwanted") yield* PowerStep.tidy(context)
      yield* announce(machine, "VmStarting", `Powering on ${step.vm.Name}`)
      yield* PowerStep.start(context, step.vm)
      yield* follow(context, step.vm, "transition")
      return told(later, mirror(step.vm))
    case "Settle":
      return yield* settle(context, step.vm, step)
    case "Report":
      yield* announceFailure(machine, step.reason, step.message)
      if (step.vm !== undefined) yield* follow(context, step.vm, "rest")
      return told(Action.done, step.vm === undefined ? noVm : mirror(step.vm))
    case "Refuse":
      yield* announceFailure(machine, step.reason, step.message)
      yield* follow(context, step.vm, "rest")
      // Not mirrored: its biosGuid in the status would make it ours (design D6a).
      return told(Action.done, noVm)
    case "Remove": {
      yield* announce(machine, "VmDeleting", `Removing VM ${step.vm.Name}`)
      const gone = yield* PowerStep.remove(context, step.vm)
      if (!gone) yield* follow(context, step.vm, "transition")
      return told(gone ? again : later, mirror(step.vm))
    }
    case "Release":
      return yield* release(context)
    case "Disown": {
      yield* announceFailure(
        machine,
        "VirtualMachineNotOwned",
        `VM ${step.vm.Id} does not carry this machine's marker; it stays`
      )
      yield* Inventory.use((inventory) => inventory.unfollow(connection.uid, step.vm.Id, keyOf(machine)))
      yield* Finalizer.remove(ScvmmMachine, machine, Contract.machineFinalizer)
      return { machine, action: Action.done }
    }
  }
})
