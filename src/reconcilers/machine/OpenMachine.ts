/** One reconcile of a machine that may be acted on: resolve, observe, plan, step, and the status that follows. */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import * as Action from "../../runtime/Action.ts"
import { Informers } from "../../runtime/Informers.ts"
import type { Running } from "../../runtime/Calls.ts"
import * as Status from "../../runtime/Status.ts"
import { available, failed, notDeleting, unavailable } from "./Conditions.ts"
import { findingsOf, isScvmmError, leftNothing, reasonOf, sawEnd } from "./Failures.ts"
import type { Surroundings, Wait } from "./Gate.ts"
import { waitsFor } from "./Gate.ts"
import { unsupported } from "./Creation.ts"
import { forgetAttempt, recordVirtualMachine } from "./CreateStep.ts"
import type { CallError, MachineContext, Workshop } from "./MachineContext.ts"
import { callKey } from "./MachineContext.ts"
import { jobOfCall } from "./Facts.ts"
import { announceFailure } from "./Announce.ts"
import { growthOf } from "./Growth.ts"
import { owns } from "./Ownership.ts"
import { placementOf } from "./Placement.ts"
import type { Observed, Sighting } from "./Plan.ts"
import { plan } from "./Plan.ts"
import { seedState } from "./SeedContent.ts"
import { take } from "./Take.ts"

const providerStore = Informers.use((informers) => informers.store(ScvmmProvider))

type Fields = NonNullable<Status.Desired["fields"]>

const isDeleting = (machine: ScvmmMachine): boolean => machine.metadata.deletionTimestamp !== undefined

/** A tracked call as the plan sees it; what has ended is handled first. */
const settleCall = Effect.fnUntraced(function* (workshop: Workshop, machine: ScvmmMachine, call: "create" | "seed") {
  const key = callKey(machine, call)
  const poll = yield* workshop.calls.poll(key)
  const version = machine.metadata.generation ?? 0
  if (poll._tag === "Idle") return { running: undefined, error: undefined, vm: undefined }
  if (poll._tag === "Running") return { running: poll, error: undefined, vm: undefined }
  if (Exit.isSuccess(poll.exit)) {
    yield* workshop.attempts.succeeded(key)
    return { running: undefined, error: undefined, vm: poll.exit.value }
  }
  const failure = poll.exit.cause.reasons.find(Cause.isFailReason)
  yield* workshop.attempts.failed(key, version)
  if (failure === undefined) return yield* Effect.failCause(poll.exit.cause)
  return { running: undefined, error: failure.error, vm: undefined }
})

/** The conditions of an error, written; then the error itself, for the queue. */
const tell = Effect.fn("OpenMachine.tell")(function* (machine: ScvmmMachine, error: CallError, fields: Fields) {
  const at = { deletion: isDeleting(machine), exists: machine.spec.id !== undefined }
  const reason = isScvmmError(error)
    ? reasonOf(error)
    : error._tag === "SeedInvalid"
      ? "BootstrapDataInvalid"
      : undefined
  if (reason !== undefined) {
    const findings = isScvmmError(error) ? findingsOf(error, at) : [available, ...failed(reason, error.message, at)]
    yield* Status.write(ScvmmMachine, machine, { fields, findings })
    yield* announceFailure(machine, reason, error.message)
  } else if (error._tag !== "KubeConflict") {
    yield* Effect.logWarning("a call could not be finished", error.message)
  }
})

/**
 * A look at VMM failed: that says nothing of the VM. A machine that was provisioned keeps its conditions, but for the
 * provider's; one that was not is not ready, and the reason is told.
 */
const tellUnseen = Effect.fn("OpenMachine.tellUnseen")(function* (
  machine: ScvmmMachine,
  error: ScvmmError,
  fields: Fields
) {
  const findings = unavailable(reasonOf(error), error.message)
  const provisioned = machine.status.initialization?.provisioned === true && !isDeleting(machine)
  yield* Status.write(ScvmmMachine, machine, {
    fields,
    findings: provisioned ? findings.filter((finding) => finding.type !== Contract.Condition.ready) : findings
  })
  yield* announceFailure(machine, reasonOf(error), error.message)
})

const hold = Effect.fnUntraced(function* (machine: ScvmmMachine, findings: ReadonlyArray<Finding>, fields: Fields) {
  yield* Status.write(ScvmmMachine, machine, { fields, findings })
  return Action.done
})

/** The VM of a known id, as Inventory has it. */
const sight = Effect.fnUntraced(function* (
  context: Omit<MachineContext, "workshop" | "around" | "placement">,
  adoption: "Owned" | "Unmarked"
) {
  const { machine, connection } = context
  if (machine.spec.id === undefined) return { _tag: "Unknown" } satisfies Sighting as Sighting
  const inventory = yield* Inventory
  const vm = yield* inventory.read(connection, machine.spec.id)
  if (vm === undefined) return { _tag: "Absent" } satisfies Sighting as Sighting
  return { _tag: "Present", vm, owned: owns(machine, vm, adoption) } satisfies Sighting as Sighting
})

const wasUp = ({ machine, owner }: Surroundings): boolean =>
  (machine.spec.bootstrap === undefined ? owner?.spec.providerID : machine.spec.providerID) !== undefined

/** Marks a creation that ended: its VM is recorded, or what it left is looked for by the plan. */
const settleCreation = Effect.fnUntraced(function* (
  workshop: Workshop,
  machine: ScvmmMachine
): Effect.fn.Return<
  { machine: ScvmmMachine; running: Running | undefined; error: CallError | undefined; vm: VirtualMachine | undefined },
  CallError,
  KubeClient
> {
  const call = yield* settleCall(workshop, machine, "create")
  if (call.vm !== undefined) return { ...call, machine: yield* recordVirtualMachine(machine, call.vm.Id) }
  if (call.error === undefined) return { ...call, machine }
  const kube = yield* KubeClient
  const live = yield* kube.get(ScvmmMachine, keyOf(machine))
  const { creation } = live.status
  // What is stored may be another replica's: only an attempt that began here is known to have ended here.
  const ours = creation !== undefined && workshop.endings.of(live.metadata.uid, creation)?._tag === "Begun"
  if (!ours) return { ...call, machine: live }
  // An answer was seen, or the command never left: its session is whole, and may be another machine's by now.
  if (sawEnd(call.error)) workshop.endings.record(live.metadata.uid, creation, { _tag: "Answered" })
  const nothing = isScvmmError(call.error) && leftNothing(call.error)
  return { ...call, machine: nothing ? yield* forgetAttempt(live) : live }
})

/**
 * Expected flow: provider and placement resolved → ended calls settled → VM sighted → Plan.plan → Take.take → status.
 *
 * Errors: an error of SCVMM is written into the conditions and then fails the reconcile, so that the queue backs off.
 */
export const reconcileOpen = Effect.fnUntraced(function* (
  workshop: Workshop,
  around: Surroundings,
  notPaused: Finding
) {
  const deletion = isDeleting(around.machine)
  const base: ReadonlyArray<Finding> = deletion ? [notPaused] : [notPaused, notDeleting]
  const providers = yield* Providers
  const placed = placementOf(around)
  const placement =
    "reason" in placed
      ? { cloud: undefined, hostGroup: undefined, networking: undefined, failureDomain: undefined }
      : placed
  const ref =
    around.machine.spec.providerRef ?? around.scvmmCluster?.spec.providerRef ?? around.machine.status.providerRef
  const told: Fields = {
    ...(ref !== undefined && { providerRef: { name: ref.name, namespace: ref.namespace } }),
    failureDomain: placement.failureDomain,
    // An id ends an attempt: the second of the two writes that record it may have been cut off.
    ...(around.machine.spec.id !== undefined && { creation: undefined })
  }
  if (ref === undefined) {
    const message = "neither spec.providerRef nor the ScvmmCluster's names an ScvmmProvider"
    return yield* hold(around.machine, [...base, ...unavailable("ProviderNotAvailable", message)], told)
  }
  const judgement = yield* providers.get(ref)
  if (judgement._tag === "Unjudged" && (yield* providerStore).get(ref) !== undefined) {
    // The operator has just started: what was written of the machine stands, and the judgement wakes it.
    return Action.requeueAfter(Duration.seconds(30))
  }
  if (judgement._tag !== "Usable") {
    const message = `ScvmmProvider ${ref.namespace}/${ref.name} does not exist or is not available; its condition ScvmmAvailable says why`
    yield* hold(around.machine, [...base, ...unavailable("ProviderNotAvailable", message)], told)
    return Action.requeueAfter(Duration.seconds(30))
  }
  const { connection } = judgement

  const creation = yield* settleCreation(workshop, around.machine)
  const seeding = yield* settleCall(workshop, creation.machine, "seed")
  const machine = creation.machine
  const fields: Fields = { ...told, ...jobOfCall(creation.running, seeding.running, machine) }
  const context: MachineContext = { workshop, around: { ...around, machine }, machine, placement, connection }
  const ended = creation.error ?? seeding.error
  if (ended !== undefined) {
    // Read anew: our copy is often older than the write that the call was started with.
    const live = yield* KubeClient.use((kube) => kube.get(ScvmmMachine, keyOf(machine)))
    yield* tell(live, ended, fields)
    // What was left is looked for at once; what left nothing is tried again when Attempts allows.
    return Action.requeueAfter(Duration.seconds(1))
  }
  if (creation.vm !== undefined) {
    const inventory = yield* Inventory
    yield* inventory.answered(connection, creation.vm.Id, creation.vm)
    yield* inventory.follow(connection, creation.vm.Id, keyOf(machine), "transition")
  }

  const wait: Wait | undefined =
    "reason" in placed ? placed : (unsupported(machine.spec, placement.networking) ?? waitsFor(around))
  return yield* Effect.gen(function* () {
    const sighting = yield* sight({ machine, connection }, connection.adoption).pipe(
      Effect.tapError((error) => tellUnseen(machine, error, fields))
    )
    const observed: Observed = {
      deleting: deletion,
      finalizer: machine.metadata.finalizers?.includes(Contract.machineFinalizer) === true,
      nameStored: machine.spec.vmName !== undefined,
      id: machine.spec.id,
      creation: machine.status.creation,
      wasUp: wasUp(around),
      call: creation.running !== undefined ? "create" : seeding.running !== undefined ? "seed" : undefined,
      sighting,
      wait,
      seed: sighting._tag === "Present" ? seedState(machine, sighting.vm) : "missing",
      growth: sighting._tag === "Present" ? growthOf(machine, sighting.vm) : undefined,
      powerPolicy: machine.spec.powerPolicy ?? around.scvmmCluster?.spec.powerPolicy ?? "Report"
    }
    const step = plan(observed)
    const taken = yield* take(context, step).pipe(Effect.tapError((error) => tell(machine, error, fields)))
    if (taken.status !== undefined) {
      yield* Status.write(ScvmmMachine, taken.machine, {
        fields: { ...fields, ...taken.status.fields },
        findings: [...base, available, ...taken.status.findings]
      })
    }
    return taken.action
  }).pipe(Effect.annotateLogs({ provider: `${ref.namespace}/${ref.name}` }))
})
