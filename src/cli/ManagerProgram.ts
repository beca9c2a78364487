/** The operator as one program: layers, controllers, probes and metrics, until it is told to stop. */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import * as Schedule from "effect/Schedule"
import { Namespace } from "../../schemas/kube/Core.ts"
import { Dial } from "../../layers/Dial.ts"
import { Events } from "../../layers/kube/Events.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import { Inventory } from "../../layers/scvmm/Inventory.ts"
import { Providers } from "../../layers/scvmm/Providers.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import { IsoBuilder } from "../../layers/seed/IsoBuilder.ts"
import * as BindAddress from "../http/BindAddress.ts"
import * as HealthServer from "../http/HealthServer.ts"
import * as MetricsServer from "../http/MetricsServer.ts"
import * as ClusterReconciler from "../reconcilers/cluster/ClusterReconciler.ts"
import * as MachineReconciler from "../reconcilers/machine/MachineReconciler.ts"
import * as ProviderReconciler from "../reconcilers/provider/ProviderReconciler.ts"
import { Informers } from "../runtime/Informers.ts"
import * as Manager from "../runtime/Manager.ts"
import { selection } from "./Selection.ts"

export interface Settings {
  readonly kubeconfig: string | undefined
  /** "" watches all namespaces. */
  readonly namespace: string
  readonly watchFilter: string | undefined
  readonly healthAddress: string
  readonly diagnosticsAddress: string
  readonly machineConcurrency: number
  readonly clusterConcurrency: number
  readonly providerConcurrency: number
  readonly sweepPeriod: Duration.Duration
  readonly transitionPeriod: Duration.Duration
}

/** A setting that cannot be used: exit code 2, as for a wrong flag. */
export class SettingInvalid extends Data.TaggedError("SettingInvalid")<{ readonly message: string }> {
  override readonly [Runtime.errorExitCode] = 2
}

const address = (flag: string, text: string) => {
  const parsed = BindAddress.parse(text)
  return parsed === undefined
    ? Effect.fail(new SettingInvalid({ message: `--${flag}: "${text}" is not host:port` }))
    : Effect.succeed(parsed)
}

/** Whose VMs these are: the UID of kube-system, asked for until the API answers. */
const installationOf = Effect.gen(function* () {
  const kube = yield* KubeClient
  const namespace = yield* kube.get(Namespace, { namespace: "", name: "kube-system" }).pipe(
    Effect.tapError((error) => Effect.logWarning("the Kubernetes API does not answer yet", error.message)),
    Effect.retry(Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")])),
    Effect.orDie
  )
  return namespace.metadata.uid
})

const controllers = Effect.fnUntraced(function* (settings: Settings, installation: string) {
  return [
    yield* ProviderReconciler.make({ concurrency: settings.providerConcurrency }),
    yield* ClusterReconciler.make({ concurrency: settings.clusterConcurrency }),
    yield* MachineReconciler.make({ concurrency: settings.machineConcurrency, installation })
  ] as const
})

interface Addresses {
  readonly health: BindAddress.BindAddress
  readonly diagnostics: BindAddress.BindAddress
}

const operate = Effect.fnUntraced(function* (
  settings: Settings,
  installation: string,
  { health, diagnostics }: Addresses
) {
  const manager = Manager.make(yield* controllers(settings, installation))
  const services = yield* Effect.context<Informers>()
  const bound = yield* HealthServer.serve({ address: health, pending: Effect.provide(manager.pending, services) })
  const metrics = yield* MetricsServer.serve(diagnostics)
  yield* Effect.logInfo("listening").pipe(
    Effect.annotateLogs({ health: BindAddress.format(bound), diagnostics: BindAddress.format(metrics) })
  )
  return yield* manager.run
}, Effect.scoped)

/** Runs until it is interrupted. Fails with KubeConfigError or SettingInvalid before anything is started. */
export const program = Effect.fnUntraced(function* (settings: Settings) {
  const config = yield* KubeConfig.load(settings.kubeconfig === undefined ? {} : { path: settings.kubeconfig }).pipe(
    Effect.mapError((error) => new SettingInvalid({ message: error.message }))
  )
  const addresses = {
    health: yield* address("health-probe-bind-address", settings.healthAddress),
    diagnostics: yield* address("diagnostics-address", settings.diagnosticsAddress)
  }
  const kube = Layer.provide(KubeClient.layer(config), Dial.layerUndici)
  return yield* Effect.gen(function* () {
    const installation = yield* installationOf
    const sessions = Layer.provide(ScvmmSession.layer, Dial.layerUndici)
    const inventory = Inventory.layer({
      installation,
      restMillis: Duration.toMillis(settings.sweepPeriod),
      transitionMillis: Duration.toMillis(settings.transitionPeriod)
    })
    const informers = Informers.layer(selection(settings))
    return yield* operate(settings, installation, addresses).pipe(
      Effect.provide(
        Layer.mergeAll(inventory, informers, Events.layer(), Providers.layer, IsoBuilder.layer).pipe(
          Layer.provideMerge(sessions)
        )
      )
    )
  }).pipe(Effect.provide(kube))
})
