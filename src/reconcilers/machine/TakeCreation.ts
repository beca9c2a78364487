/** The steps that lead to a VM, taken: tracked calls, look-ups by name and marker, recovery of attempts. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as Action from "../../runtime/Action.ts"
import { announce, announceFailure } from "./Announce.ts"
import { failed } from "./Conditions.ts"
import * as CreateStep from "./CreateStep.ts"
import { vmNameOf } from "./Creation.ts"
import { mirror, noVm } from "./Facts.ts"
import type { MachineContext } from "./MachineContext.ts"
import { callKey } from "./MachineContext.ts"
import type { Step } from "./Plan.ts"
import { seedCall } from "./SeedCall.ts"
import { again, deleting, findings, follow, type Taken } from "./Taken.ts"

export const failuresOf = ({ machine, workshop }: MachineContext, call: "create" | "seed"): number =>
  workshop.attempts.failures(callKey(machine, call), machine.metadata.generation ?? 0)

/** A tracked call, unless an earlier failure of it must rest first. */
export const startCall = Effect.fnUntraced(function* (context: MachineContext, call: "create" | "seed", step: Step) {
  const { machine, workshop } = context
  const key = callKey(machine, call)
  const rest = yield* workshop.attempts.remaining(key, machine.metadata.generation ?? 0)
  if (rest > 0) return { machine, action: Action.requeueAfter(Duration.millis(rest)) } satisfies Taken as Taken
  if (step._tag === "Seed") {
    // Nothing is awaited of the VM itself until the call has ended.
    yield* follow(context, step.vm, "rest")
    yield* workshop.calls.start(key, seedCall(context, step.vm, step.vmId), keyOf(machine))
  } else {
    yield* announce(machine, "VmCreating", `Creating VM ${vmNameOf(machine)}`)
    yield* workshop.calls.start(key, CreateStep.createCall(context), keyOf(machine))
  }
  return {
    machine,
    action: Action.done,
    // While a creation is under way it owns the status; and what the last attempt failed of is told until one succeeds.
    ...(step._tag === "Seed" &&
      failuresOf(context, call) === 0 && { status: { fields: mirror(step.vm), findings: findings(step, machine) } })
  } satisfies Taken as Taken
})

const duplicates = Effect.fnUntraced(function* (machine: ScvmmMachine, ids: ReadonlyArray<string>) {
  const message = `several VMs carry this machine's marker (${ids.join(", ")}); none is started, remove all but one in VMM`
  yield* announceFailure(machine, "DuplicateVirtualMachines", message)
  return {
    machine,
    action: Action.requeueAfter(Duration.minutes(1)),
    status: {
      fields: noVm,
      findings: failed("DuplicateVirtualMachines", message, { deletion: deleting(machine), exists: false })
    }
  } satisfies Taken as Taken
})

/** Creates, unless the API server knows more than our cache, or a VM of ours or of others has the name. */
export const create = Effect.fn("Take.create")(function* (context: MachineContext, step: Step) {
  const kube = yield* KubeClient
  const live = yield* kube.get(ScvmmMachine, keyOf(context.machine))
  if (
    live.metadata.uid !== context.machine.metadata.uid ||
    live.spec.id !== undefined ||
    live.status.creation !== undefined
  ) {
    return { machine: live, action: again } satisfies Taken as Taken
  }
  const fresh = { ...context, machine: live }
  const found = yield* CreateStep.find(fresh)
  switch (found._tag) {
    case "One":
      return {
        machine: yield* CreateStep.recordVirtualMachine(live, found.vm.Id),
        action: again
      } satisfies Taken as Taken
    case "Several":
      return yield* duplicates(live, found.ids)
    case "UnderWay":
      return { machine: live, action: Action.requeueAfter(Duration.seconds(5)) } satisfies Taken as Taken
    case "None": {
      if (found.taken.length === 0) return yield* startCall(fresh, "create", step)
      const message = `spec.vmName: VMM has a VM "${vmNameOf(live)}" already (${found.taken.map((vm) => vm.Id).join(", ")}); rename or remove it`
      yield* announceFailure(live, "VirtualMachineNameTaken", message)
      return {
        machine: live,
        action: Action.requeueAfter(Duration.minutes(1)),
        status: {
          fields: noVm,
          findings: failed("VirtualMachineNameTaken", message, { deletion: false, exists: false })
        }
      } satisfies Taken as Taken
    }
  }
})

/** Ends the recorded attempt and looks for its VM; only then is there room for another attempt. */
export const recover = Effect.fn("Take.recover")(function* (context: MachineContext, step: Step) {
  const kube = yield* KubeClient
  const live = yield* kube.get(ScvmmMachine, keyOf(context.machine))
  if (live.spec.id !== undefined || live.status.creation === undefined) {
    return { machine: live, action: again } satisfies Taken as Taken
  }
  const fresh = { ...context, machine: live }
  const left = yield* CreateStep.settleAttempt(fresh, live.status.creation)
  const found = yield* CreateStep.find(fresh)
  if (found._tag === "One") {
    return {
      machine: yield* CreateStep.recordVirtualMachine(live, found.vm.Id),
      action: again
    } satisfies Taken as Taken
  }
  if (found._tag === "Several") return yield* duplicates(live, found.ids)
  if (found._tag === "UnderWay" || left > 0) {
    return {
      machine: live,
      action: Action.requeueAfter(Duration.millis(left > 0 ? Math.min(5_000, left) : 5_000)),
      status: { fields: noVm, findings: findings(step, live) }
    } satisfies Taken as Taken
  }
  context.workshop.endings.forget(live.metadata.uid)
  return { machine: yield* CreateStep.forgetAttempt(live), action: again } satisfies Taken as Taken
})
