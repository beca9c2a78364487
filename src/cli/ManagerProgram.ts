/** The operator as a process: its settings, credentials and sockets, until it is told to stop. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import * as LeaseState from "../../layers/kube/LeaseState.ts"
import * as Orphans from "../../layers/scvmm/Orphans.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import * as BindAddress from "../http/BindAddress.ts"
import * as HealthServer from "../http/HealthServer.ts"
import * as MetricsServer from "../http/MetricsServer.ts"
import type { LeaderElection } from "../runtime/LeaderElection.ts"
import * as Leadership from "./Leadership.ts"
import * as Operator from "./Operator.ts"
import * as RecordWire from "./RecordWire.ts"
import * as Replica from "./Replica.ts"
import * as Selection from "./Selection.ts"
import { SettingInvalid } from "./SettingInvalid.ts"

export interface Settings extends Operator.Settings, Replica.Settings {
  readonly kubeconfig: string | undefined
  readonly healthAddress: string
  readonly diagnosticsAddress: string
  /** New file for a wire recording. */
  readonly recordWire: string | undefined
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

/** What fails while an interrupted program ends is seen by no handler around it: the exit code must be said here. */
const failedEnd = (exit: Exit.Exit<unknown, unknown>) =>
  Effect.sync(() => {
    if (Exit.hasInterrupts(exit) && Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) process.exitCode = 1
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
  const timing = settings.leaderElection && Leadership.timingOf(settings.leaderElection)
  const problem = timing && LeaseState.timingProblem(timing)
  if (problem !== undefined) return yield* new SettingInvalid({ message: `--leader-elect-*: ${problem}` })
  const operator = (election: LeaderElection | undefined) =>
    Operator.run(
      settings,
      Effect.fnUntraced(function* (pending) {
        const ailing = election?.ailing ?? Effect.succeed(undefined)
        const bound = yield* HealthServer.serve({ address: health, ailing, pending })
        const metrics = yield* MetricsServer.serve(diagnostics)
        yield* Effect.logInfo("listening").pipe(
          Effect.annotateLogs({ health: BindAddress.format(bound), diagnostics: BindAddress.format(metrics) })
        )
      })
    )
  const recording = yield* RecordWire.start(settings.recordWire)
  const instance = Layer.succeed(Orphans.Instance, Selection.instance(settings))
  const session = Layer.provide(ScvmmSession.layer, Layer.merge(recording, instance))
  const outside = Layer.mergeAll(KubeClient.layer(config), session)
  return yield* Replica.run(settings, config, outside, operator, signalled).pipe(
    Effect.onExit(failedEnd),
    Effect.provide(Dial.layerUndici)
  )
}, Effect.scoped)
