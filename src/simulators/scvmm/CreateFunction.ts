/** New-CapsVirtualMachine: look-up, preparation and commit under the machine's mutex of the exec host (design D6). */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import { ErrorId, NewVirtualMachine } from "../../../schemas/vmm/Verb.ts"
import * as Creation from "./Creation.ts"
import { pause } from "./Model.ts"
import type { Model } from "./Model.ts"
import type { Streams, Terminated } from "./PowerShellHost.ts"
import { byName, castGuid } from "./ReadFunctions.ts"
import * as References from "./References.ts"
import { implement } from "./SimulatedFunction.ts"
import type { Caller } from "./SimulatedFunction.ts"
import * as VirtualMachine from "./VirtualMachine.ts"
import { functionError, vmmError } from "./VmmError.ts"

const functionName = NewVirtualMachine.name

export const temporaryTemplateName = (uid: string): string => `Temporary Template ${uid}`

const assertNotCreated = (model: Model, request: References.Request): Effect.Effect<void, Terminated> =>
  Effect.gen(function* () {
    yield* pause(model, "get")
    const ids = byName(model, request.Name)
      .filter((vm) => VirtualMachine.hasMarker(vm, request.Marker))
      .map((vm) => vm.id)
    if (ids.length === 0) return
    return yield* Effect.fail(
      functionError(
        ErrorId.virtualMachineExists,
        functionName,
        `a virtual machine '${request.Name}' with this machine's marker exists: ${ids.join(", ")}`,
        { Ids: ids }
      )
    )
  })

const windowElapsed = (message: string): Terminated => functionError(ErrorId.commitWindowElapsed, functionName, message)

/** Holds the mutex of a machine on one exec host; a mutex does not reach another host. */
const underMutex = <A>(
  { model, execHost }: Caller,
  uid: string,
  patienceMillis: number,
  body: Effect.Effect<A, Terminated>
): Effect.Effect<A, Terminated> => {
  const key = `${execHost}/${uid}`
  const mutex = model.mutexes.get(key) ?? Semaphore.makeUnsafe(1)
  model.mutexes.set(key, mutex)
  return Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const taken = yield* restore(Effect.timeoutOption(Semaphore.take(mutex, 1), patienceMillis))
      if (Option.isNone(taken)) {
        return yield* Effect.fail(windowElapsed(`another attempt for machine ${uid} held this host`))
      }
      return yield* Effect.ensuring(restore(body), Semaphore.release(mutex, 1))
    })
  )
}

/** Remove-SCVMTemplate; VMM refuses while a creation job reads it. */
export const removeTemplate = (model: Model, name: string): Effect.Effect<"absent" | "removed" | "locked"> =>
  Effect.gen(function* () {
    if (!model.templates.has(name)) return "absent"
    yield* pause(model, "template")
    if (model.templates.get(name)?.lock !== undefined) return "locked"
    model.templates.delete(name)
    return "removed"
  })

const prepareAndCommit = (
  model: Model,
  streams: Streams,
  request: References.Request,
  resolved: References.Resolved,
  uid: string,
  began: number
): Effect.Effect<VirtualMachine.VirtualMachine, Terminated> => {
  const templateName = resolved.template === undefined ? temporaryTemplateName(uid) : undefined
  let committing = false
  const course = Effect.gen(function* () {
    yield* assertNotCreated(model, request)
    if (templateName !== undefined) {
      yield* removeTemplate(model, templateName)
      yield* Creation.checkBootDisk(resolved)
      yield* pause(model, "template")
      model.templates.set(templateName, { name: templateName, lock: undefined })
    }
    yield* streams.progress(functionName, "", 50)
    yield* pause(model, "configuration")
    yield* pause(model, "placement")
    const host = Creation.placement(model, resolved)
    if (host === undefined) {
      return yield* Effect.fail(
        vmmError(12700, "Update-SCVMConfiguration", { detail: "no host is suitable for this virtual machine" })
      )
    }
    yield* streams.progress(functionName, "", 75)
    // The last thing before the commit: a pipeline outlives the client that sent it.
    yield* assertNotCreated(model, request)
    const spent = (model.now() - began) / 1000
    if (spent > request.CommitWithinSeconds) {
      return yield* Effect.fail(
        windowElapsed(
          `preparing '${request.Name}' took ${Math.floor(spent)} s of ${request.CommitWithinSeconds} s allowed`
        )
      )
    }
    committing = true
    // VMM goes on with a request that it has, whatever becomes of the pipeline.
    const { vm } = yield* Effect.uninterruptible(
      Effect.andThen(pause(model, "commit"), Creation.create(model, request, resolved, host, templateName))
    )
    return vm
  })
  // A pipeline that is stopped cleans up nothing: `catch` does not run then.
  return Effect.tapError(course, () =>
    templateName === undefined || committing ? Effect.void : removeTemplate(model, templateName)
  )
}

export const newVirtualMachine = implement(NewVirtualMachine, (caller, request, streams) =>
  Effect.gen(function* () {
    const { model } = caller
    const began = model.now()
    const uid = yield* castGuid(functionName, request.MachineUid)
    yield* assertNotCreated(model, request)
    // Each name costs a Get.
    yield* pause(model, "get")
    const resolved = yield* Effect.fromResult(References.resolve(model.fabric, request))
    yield* streams.progress(functionName, "", 25)
    const patience = Math.max(0, request.CommitWithinSeconds * 1000 - (model.now() - began))
    const vm = yield* underMutex(caller, uid, patience, prepareAndCommit(model, streams, request, resolved, uid, began))
    // What VMM stored is read back.
    yield* pause(model, "get")
    return [VirtualMachine.document(vm, model.now())]
  })
)
