/** The operator as a process: its settings, credentials and sockets, until it is told to stop. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import * as BindAddress from "../http/BindAddress.ts"
import * as HealthServer from "../http/HealthServer.ts"
import * as MetricsServer from "../http/MetricsServer.ts"
import * as Operator from "./Operator.ts"

export interface Settings extends Operator.Settings {
  readonly kubeconfig: string | undefined
  readonly healthAddress: string
  readonly diagnosticsAddress: string
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

/** Runs until it is interrupted. Fails with KubeConfigError or SettingInvalid before anything is started. */
export const program = Effect.fnUntraced(function* (settings: Settings) {
  const config = yield* KubeConfig.load(settings.kubeconfig === undefined ? {} : { path: settings.kubeconfig }).pipe(
    Effect.mapError((error) => new SettingInvalid({ message: error.message }))
  )
  const health = yield* address("health-probe-bind-address", settings.healthAddress)
  const diagnostics = yield* address("diagnostics-address", settings.diagnosticsAddress)
  const serve = Effect.fnUntraced(function* (pending: Effect.Effect<ReadonlyArray<string>>) {
    const bound = yield* HealthServer.serve({ address: health, pending })
    const metrics = yield* MetricsServer.serve(diagnostics)
    yield* Effect.logInfo("listening").pipe(
      Effect.annotateLogs({ health: BindAddress.format(bound), diagnostics: BindAddress.format(metrics) })
    )
  })
  const outside = Layer.mergeAll(KubeClient.layer(config), ScvmmSession.layer).pipe(Layer.provide(Dial.layerUndici))
  return yield* Operator.run(settings, serve).pipe(Effect.provide(outside))
})
