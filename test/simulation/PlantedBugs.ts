/** Operators and functions with one part broken on purpose, put in from outside: what the crash points must find. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Contract from "../../schemas/capi/Contract.ts"
import * as Patch from "../../schemas/kube/Patch.ts"
import { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"
import { FindVirtualMachine, NewVirtualMachine } from "../../schemas/vmm/Verb.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import { at, isObject } from "../../src/simulators/kube/KubeJson.ts"
import { newVirtualMachine } from "../../src/simulators/scvmm/CreateFunction.ts"
import * as Creation from "../../src/simulators/scvmm/Creation.ts"
import { pause } from "../../src/simulators/scvmm/Model.ts"
import * as References from "../../src/simulators/scvmm/References.ts"
import { implement, type SimulatedFunction } from "../../src/simulators/scvmm/SimulatedFunction.ts"
import * as VirtualMachine from "../../src/simulators/scvmm/VirtualMachine.ts"
import type { Tamper } from "./Incarnation.ts"

const onSessions =
  (change: (real: ScvmmSession["Service"]) => ScvmmSession["Service"]): Tamper =>
  (outside) =>
    Layer.effect(ScvmmSession, Effect.map(ScvmmSession, change)).pipe(Layer.provideMerge(outside))

const onKubernetes =
  (change: (real: KubeClient["Service"]) => KubeClient["Service"]): Tamper =>
  (outside) =>
    Layer.effect(KubeClient, Effect.map(KubeClient, change)).pipe(Layer.provideMerge(outside))

const isIntent = (patch: Patch.Patch): boolean =>
  patch._tag === "Merge" && isObject(at(patch.body, "status", "creation"))

/** The operator's own look for a VM by marker finds nothing. */
export const findsNothing: Tamper = onSessions((real) => ({
  ...real,
  run: (connection, verb, parameters) =>
    Effect.map(real.run(connection, verb, parameters), (answer) =>
      verb.name === FindVirtualMachine.name ? { ...answer, VirtualMachines: [], CreationJobs: [] } : answer
    )
}))

/** The shell of an interrupted attempt is said to be deleted, and is not. */
export const leavesShells: Tamper = onSessions((real) => ({ ...real, deleteShell: () => Effect.void }))

/** The first write to a machine that is being deleted drops its finalizer. */
export const dropsFinalizer: Tamper = onKubernetes((real) => ({
  ...real,
  patch: (resource, key, patch, options) =>
    Effect.tap(real.patch(resource, key, patch, options), (written) =>
      resource.kind !== ScvmmMachine.kind || written.metadata.deletionTimestamp === undefined
        ? Effect.void
        : real.patch(
            resource,
            key,
            Patch.merge({
              metadata: {
                finalizers: (written.metadata.finalizers ?? []).filter((name) => name !== Contract.machineFinalizer)
              }
            })
          )
    )
}))

/** Where an attempt runs is not stored. */
export const forgetsIntent: Tamper = onKubernetes((real) => ({
  ...real,
  patch: (resource, key, patch, options) =>
    real.patch(resource, key, isIntent(patch) ? Patch.merge({}) : patch, options)
}))

/** New-CapsVirtualMachine without a look for the marker, and without its window. */
export const createsBlindly = implement(NewVirtualMachine, ({ model }, request) =>
  Effect.gen(function* () {
    const resolved = yield* Effect.fromResult(References.resolve(model.fabric, request))
    yield* pause(model, "placement")
    const host = Creation.placement(model, resolved)
    if (host === undefined) return yield* Effect.die("no host is suitable")
    yield* pause(model, "commit")
    const { vm } = yield* Creation.create(model, request, resolved, host, undefined)
    return [VirtualMachine.document(vm, model.now())]
  })
)

/** New-CapsVirtualMachine as it is while an exec host is busy: there it begins so much later. */
export const beginsLate = (execHost: string, delay: Duration.Input): SimulatedFunction => ({
  name: newVirtualMachine.name,
  invoke: (caller, given, streams) =>
    newVirtualMachine.invoke(caller, given, streams).pipe(Effect.delay(caller.execHost === execHost ? delay : 0))
})
