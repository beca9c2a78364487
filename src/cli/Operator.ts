/** The operator between its edges: everything that decides, over a KubeClient and a ScvmmSession. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Namespace } from "../../schemas/kube/Core.ts"
import { Events } from "../../layers/kube/Events.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import { Inventory } from "../../layers/scvmm/Inventory.ts"
import { Providers } from "../../layers/scvmm/Providers.ts"
import { IsoBuilder } from "../../layers/seed/IsoBuilder.ts"
import * as ClusterReconciler from "../reconcilers/cluster/ClusterReconciler.ts"
import type { FeatureGates } from "../reconcilers/FeatureGates.ts"
import * as MachineReconciler from "../reconcilers/machine/MachineReconciler.ts"
import * as ProviderReconciler from "../reconcilers/provider/ProviderReconciler.ts"
import { Informers } from "../runtime/Informers.ts"
import * as Manager from "../runtime/Manager.ts"
import { selection } from "./Selection.ts"

export interface Settings {
  /** "" watches all namespaces. */
  readonly namespace: string
  readonly watchFilter: string | undefined
  readonly machineConcurrency: number
  readonly clusterConcurrency: number
  readonly providerConcurrency: number
  readonly sweepPeriod: Duration.Duration
  readonly transitionPeriod: Duration.Duration
  readonly featureGates: FeatureGates
}

/** Whose VMs these are: the UID of kube-system, asked for until the API answers. */
const installationOf = Effect.gen(function* () {
  const kube = yield* KubeClient
  let refused: string | undefined
  const namespace = yield* kube.get(Namespace, { namespace: "", name: "kube-system" }).pipe(
    Effect.tapError((error) => {
      const told = refused === error.message
      refused = error.message
      return told ? Effect.void : Effect.logWarning("the Kubernetes API does not answer yet", error.message)
    }),
    Effect.retry(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])),
    Effect.orDie
  )
  if (refused !== undefined) yield* Effect.logInfo("the Kubernetes API answers")
  return namespace.metadata.uid
})

const controllers = Effect.fnUntraced(function* (settings: Settings, installation: string) {
  return [
    yield* ProviderReconciler.make({ concurrency: settings.providerConcurrency, gates: settings.featureGates }),
    yield* ClusterReconciler.make({ concurrency: settings.clusterConcurrency }),
    yield* MachineReconciler.make({ concurrency: settings.machineConcurrency, installation })
  ] as const
})

/** Opens what the outside asks, before anything is started; `pending` is what readiness waits for, by name. */
export type Serve<E, R> = (pending: Effect.Effect<ReadonlyArray<string>>) => Effect.Effect<void, E, R | Scope.Scope>

/** Runs until it is interrupted, or a loop of it died. */
export const run = Effect.fnUntraced(function* <E, R>(settings: Settings, serve: Serve<E, R>) {
  // Probes are answered before there is an API to work with: a pod that waits for it is alive, and not ready.
  let pending: Effect.Effect<ReadonlyArray<string>> = Effect.succeed(["the Kubernetes API"])
  yield* serve(Effect.suspend(() => pending))
  const installation = yield* installationOf
  const inventory = Inventory.layer({
    installation,
    restMillis: Duration.toMillis(settings.sweepPeriod),
    transitionMillis: Duration.toMillis(settings.transitionPeriod)
  })
  const informers = Informers.layer(selection(settings))
  const operate = Effect.gen(function* () {
    const manager = Manager.make(yield* controllers(settings, installation))
    pending = Effect.provide(manager.pending, yield* Effect.context<Informers>())
    return yield* manager.run
  })
  return yield* operate.pipe(
    Effect.provide(Layer.mergeAll(inventory, informers, Events.layer(), Providers.layer, IsoBuilder.layer))
  )
}, Effect.scoped)
