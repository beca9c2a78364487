/** The operator as a process: its settings, credentials and sockets, until it is told to stop. */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import * as LeaseState from "../../layers/kube/LeaseState.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import * as BindAddress from "../http/BindAddress.ts"
import * as HealthServer from "../http/HealthServer.ts"
import * as MetricsServer from "../http/MetricsServer.ts"
import * as Leadership from "./Leadership.ts"
import * as Lifecycle from "./Lifecycle.ts"
import * as Operator from "./Operator.ts"

export interface Settings extends Operator.Settings {
  readonly kubeconfig: string | undefined
  readonly healthAddress: string
  readonly diagnosticsAddress: string
  /** Undefined: this process is the only one. */
  readonly leaderElection: Leadership.Settings | undefined
  /** How long work that runs may go on once the end was asked for. */
  readonly gracefulShutdown: Duration.Duration
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

/** Ends at the next signal that asks this process to end. */
const signalled = Effect.callback<void>((resume) => {
  const signals = ["SIGINT", "SIGTERM"] as const
  const heard = () => resume(Effect.void)
  for (const signal of signals) process.on(signal, heard)
  return Effect.sync(() => {
    for (const signal of signals) process.off(signal, heard)
  })
})

/** Undefined without one; its connections are not those of the operator, which pass its fence. */
const electionOf = Effect.fnUntraced(function* (settings: Settings, config: KubeConfig.KubeConfig) {
  const { leaderElection } = settings
  if (leaderElection === undefined) return undefined
  const problem = LeaseState.timingProblem(Leadership.timingOf(leaderElection))
  if (problem !== undefined) return yield* new SettingInvalid({ message: `--leader-elect-*: ${problem}` })
  const client = KubeClient.layer(config, { timeout: Leadership.requestTimeout(leaderElection) })
  const context = yield* Layer.build(Layer.provide(client, Dial.layerUndici))
  return yield* Effect.provideContext(Leadership.make(leaderElection, config.namespace), context)
})

/**
 * Runs until it is interrupted. Fails with SettingInvalid before anything is started, with LeadershipLost when another
 * process may lead by now, with EndForced when it was asked to end a second time.
 */
export const program = Effect.fnUntraced(function* (settings: Settings) {
  const config = yield* KubeConfig.load(settings.kubeconfig === undefined ? {} : { path: settings.kubeconfig }).pipe(
    Effect.mapError((error) => new SettingInvalid({ message: error.message })),
    Effect.provide(Dial.layerUndici)
  )
  const health = yield* address("health-probe-bind-address", settings.healthAddress)
  const diagnostics = yield* address("diagnostics-address", settings.diagnosticsAddress)
  const election = yield* electionOf(settings, config)
  const serve = Effect.fnUntraced(function* (pending: Effect.Effect<ReadonlyArray<string>>) {
    const bound = yield* HealthServer.serve({
      address: health,
      ailing: election?.ailing ?? Effect.succeed(undefined),
      pending
    })
    const metrics = yield* MetricsServer.serve(diagnostics)
    yield* Effect.logInfo("listening").pipe(
      Effect.annotateLogs({ health: BindAddress.format(bound), diagnostics: BindAddress.format(metrics) })
    )
  })
  const dial =
    election === undefined ? Dial.layerUndici : Layer.provide(Dial.layerFenced(election.fence), Dial.layerUndici)
  const outside = Layer.mergeAll(KubeClient.layer(config), ScvmmSession.layer).pipe(Layer.provide(dial))
  const operator = Operator.run(settings, serve).pipe(Effect.provide(outside))
  return yield* Lifecycle.run(operator, {
    election,
    gracefulShutdown: settings.gracefulShutdown,
    again: signalled
  })
}, Effect.scoped)
