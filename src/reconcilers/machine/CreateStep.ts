/** The steps that make a VM: intent, create, and finding what an attempt left (design D6). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Monotonic from "../../../layers/Monotonic.ts"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { Cluster } from "../../../schemas/capi/Cluster.ts"
import { keyOf } from "../../../schemas/kube/ObjectMeta.ts"
import * as Patch from "../../../schemas/kube/Patch.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import * as Marker from "../../../schemas/vmm/Marker.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { FindVirtualMachine, NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { AnswerInvalid, CreateRefused } from "../../../layers/scvmm/ScvmmError.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import { type MachineContext, reporting } from "./MachineContext.ts"
import { commitMarginSeconds, commitWithinSeconds, parametersOf, vmNameOf } from "./Creation.ts"
import { madeBy, markerOf } from "./Ownership.ts"
import type { Creation } from "./Plan.ts"

const resourceVersion = (machine: ScvmmMachine) => ({ resourceVersion: machine.metadata.resourceVersion })

/** A precondition that a successor of the same name fails. */
const same = (machine: ScvmmMachine) => ({ uid: machine.metadata.uid })

/** Stores the name that every attempt uses, and holds `clusterctl move` back from now on. */
export const reserveName = Effect.fn("CreateStep.reserveName")(function* (machine: ScvmmMachine) {
  const kube = yield* KubeClient
  return yield* kube.patch(
    ScvmmMachine,
    keyOf(machine),
    Patch.merge({
      metadata: { ...resourceVersion(machine), annotations: { [Contract.blockMoveAnnotation]: "" } },
      spec: { vmName: vmNameOf(machine) }
    })
  )
})

/** Stores the id of the VM that was made; the attempt is over. */
export const recordVirtualMachine = Effect.fn("CreateStep.recordVirtualMachine")(function* (
  machine: ScvmmMachine,
  id: string
) {
  const kube = yield* KubeClient
  const recorded = yield* kube.patch(
    ScvmmMachine,
    keyOf(machine),
    Patch.merge({
      metadata: { ...same(machine), annotations: { [Contract.blockMoveAnnotation]: null } },
      spec: { id }
    })
  )
  return yield* kube.patch(ScvmmMachine, keyOf(recorded), Patch.merge({ status: { creation: null } }), {
    subresource: "status"
  })
})

/** Forgets an attempt that left nothing; a move need not wait any longer. */
export const forgetAttempt = Effect.fn("CreateStep.forgetAttempt")(function* (machine: ScvmmMachine) {
  if (machine.status.creation === undefined) return machine
  const kube = yield* KubeClient
  const forgotten = yield* kube.patch(
    ScvmmMachine,
    keyOf(machine),
    Patch.merge({ metadata: resourceVersion(machine), status: { creation: null } }),
    { subresource: "status" }
  )
  return yield* kube.patch(
    ScvmmMachine,
    keyOf(machine),
    Patch.merge({
      metadata: { ...resourceVersion(forgotten), annotations: { [Contract.blockMoveAnnotation]: null } }
    })
  )
})

/**
 * Stores where an attempt runs, under the resourceVersion of what the API server has now. Fails with CreateRefused when
 * another replica was first: its attempt, or its VM, is recorded already.
 */
const intend = Effect.fn("CreateStep.intend")(
  function* ({ machine, around }: MachineContext, creation: Creation) {
    const kube = yield* KubeClient
    const live = yield* kube.get(ScvmmMachine, keyOf(machine))
    const cluster = around.cluster === undefined ? undefined : yield* kube.get(Cluster, keyOf(around.cluster))
    if (cluster?.spec.paused === true || live.metadata.annotations?.[Contract.pausedAnnotation] !== undefined) {
      return yield* new CreateRefused({ reason: "Superseded", detail: "it was paused meanwhile" })
    }
    const gone = live.metadata.uid !== machine.metadata.uid || live.metadata.deletionTimestamp !== undefined
    if (gone || live.spec.id !== undefined || live.status.creation !== undefined) {
      return yield* new CreateRefused({ reason: "Superseded", detail: "the ScvmmMachine changed meanwhile" })
    }
    const held =
      live.metadata.annotations?.[Contract.blockMoveAnnotation] === undefined
        ? yield* kube.patch(
            ScvmmMachine,
            keyOf(live),
            Patch.merge({ metadata: { ...resourceVersion(live), annotations: { [Contract.blockMoveAnnotation]: "" } } })
          )
        : live
    yield* kube.patch(
      ScvmmMachine,
      keyOf(held),
      Patch.merge({ metadata: resourceVersion(held), status: { creation: { ...creation } } }),
      { subresource: "status" }
    )
  },
  // Our own condition writes may come between; what matters is looked at anew each time.
  Effect.retry({ while: (error) => error._tag === "KubeConflict", times: 5 })
)

/** The tracked call. Guarantees: the intent is stored before the command leaves. */
export const createCall = Effect.fn("CreateStep.createCall")(function* (context: MachineContext) {
  const { machine, connection, placement, workshop } = context
  const sessions = yield* ScvmmSession
  return yield* sessions.use(connection, (session) =>
    Effect.gen(function* () {
      const began = yield* Monotonic.millis
      const started = yield* DateTime.now
      const creation = { execHost: session.execHost, shellId: session.shellId, startedAt: DateTime.formatIso(started) }
      yield* intend(context, creation)
      workshop.endings.record(machine.metadata.uid, creation, { _tag: "Begun" })
      // The window that others wait for may count from the storing of the intent, the command's own counts from its arrival.
      const late = (yield* Monotonic.millis) - began
      if (late > (commitMarginSeconds * 1_000) / 2) {
        return yield* new CreateRefused({
          reason: "IntentLate",
          detail: `storing the intent took ${Math.round(late)} ms`
        })
      }
      const marker = Marker.render(markerOf(machine, workshop.installation))
      const [vm] = yield* session.run(
        NewVirtualMachine,
        parametersOf(machine, placement, marker),
        reporting(context, "create")
      )
      return vm ?? (yield* new AnswerInvalid({ function: NewVirtualMachine.name, detail: "no answer at all" }))
    })
  )
})

export type Found =
  | { readonly _tag: "One"; readonly vm: VirtualMachine }
  | { readonly _tag: "Several"; readonly ids: ReadonlyArray<string> }
  /** Neither a VM of ours nor a job that makes one; `taken` tells of foreign VMs with the name. */
  | { readonly _tag: "None"; readonly taken: ReadonlyArray<VirtualMachine> }
  /** A job is creating a VM of that name: its marker is not visible yet. */
  | { readonly _tag: "UnderWay" }

/** Looks for this machine's VM by name, decided by marker (names are not unique in VMM). */
export const find = Effect.fn("CreateStep.find")(function* (context: MachineContext) {
  const { machine, connection, workshop } = context
  const sessions = yield* ScvmmSession
  const answer = yield* sessions.run(connection, FindVirtualMachine, { Name: vmNameOf(machine) })
  const mine = madeBy(markerOf(machine, workshop.installation), answer.VirtualMachines)
  const [first] = mine
  if (mine.length > 1) return { _tag: "Several", ids: mine.map((vm) => vm.Id) } satisfies Found as Found
  if (first !== undefined) return { _tag: "One", vm: first } satisfies Found as Found
  if (answer.CreationJobs.length > 0) return { _tag: "UnderWay" } satisfies Found as Found
  return { _tag: "None", taken: answer.VirtualMachines } satisfies Found as Found
})

/** Ends the shell that a recorded attempt ran in. False when it could not be reached: then the window must pass. */
const endAttempt = Effect.fn("CreateStep.endAttempt")(function* (context: MachineContext, creation: Creation) {
  const sessions = yield* ScvmmSession
  return yield* sessions.deleteShell(context.connection, creation).pipe(
    Effect.as(true),
    Effect.catch((error) =>
      Effect.as(
        Effect.logWarning("an interrupted attempt's shell could not be deleted; waiting for its window", error.message),
        false
      )
    )
  )
})

/**
 * Milliseconds that must pass before a look-up that finds nothing counts: none when this process saw the attempt's answer, a
 * margin from the deletion of its shell on (VMM may have the request already), its whole window when the shell is out of reach. The
 * window counts from when this process first tried: the record's own time is by a clock that may be hours off.
 */
export const settleAttempt = Effect.fn("CreateStep.settleAttempt")(function* (
  context: MachineContext,
  creation: Creation
) {
  const { endings } = context.workshop
  const { uid } = context.machine.metadata
  const known = endings.of(uid, creation)
  if (known?._tag === "Answered") return 0
  if (known?._tag !== "ShellDeleted" && !(yield* endAttempt(context, creation))) {
    const now = yield* Monotonic.millis
    const at = known?._tag === "OutOfReach" ? known.at : now
    endings.record(uid, creation, { _tag: "OutOfReach", at })
    return Math.max(0, Math.ceil(at + (commitWithinSeconds + commitMarginSeconds) * 1_000 - now))
  }
  const now = yield* Monotonic.millis
  const since = known?._tag === "ShellDeleted" ? known.at : now
  endings.record(uid, creation, { _tag: "ShellDeleted", at: since })
  return Math.max(0, Math.ceil(since + commitMarginSeconds * 1_000 - now))
})
