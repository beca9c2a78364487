/** One run of the operator in a process of its own, with a wire of its own to the world; it can be killed at any exchange. */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { Handler } from "../../schemas/http/Exchange.ts"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../layers/kube/KubeConfig.ts"
import { ScvmmSession } from "../../layers/scvmm/ScvmmSession.ts"
import * as FeatureGates from "../../src/reconcilers/FeatureGates.ts"
import * as Operator from "../../src/cli/Operator.ts"
import * as Replica from "../../src/cli/Replica.ts"
import * as EventLog from "./EventLog.ts"
import * as Exchanges from "./Exchanges.ts"
import * as Process from "./Process.ts"
import type { Timeline } from "./Timeline.ts"
import type { Fate, Point } from "./Wire.ts"
import * as Wire from "./Wire.ts"

/** Puts something between the operator and its ways out. */
export type Tamper = (
  outside: Layer.Layer<KubeClient | ScvmmSession, never, Dial>
) => Layer.Layer<KubeClient | ScvmmSession, never, Dial>

export interface Options {
  readonly name: string
  readonly seed: string
  readonly timeline: Timeline
  readonly world: Process.Process
  /** Undefined: nothing is recorded. */
  readonly log: EventLog.EventLog | undefined
  readonly servers: ReadonlyMap<string, Handler>
  readonly kubernetes: { readonly origin: string; readonly token: Redacted.Redacted }
  readonly settings: Operator.Settings & Replica.Settings
  readonly fate: (point: Point) => Fate
  readonly reachable: (origin: string) => boolean
  readonly latency: () => number
  readonly survives: () => boolean
  readonly tamper: Tamper
}

export interface Incarnation {
  readonly name: string
  readonly wire: Wire.Wire
  /** As SIGKILL and the loss of every connection, at once. */
  readonly kill: Effect.Effect<void>
  /** As SIGTERM; until it has ended. */
  readonly stop: Effect.Effect<void>
  /** Until it was killed. */
  readonly killed: Effect.Effect<void>
  /** Dies when the operator ended by itself, which it never does. */
  readonly running: Effect.Effect<never>
}

export const start = (options: Options): Incarnation => {
  const log = options.log ?? EventLog.none
  const killed = Deferred.makeUnsafe<void>()
  const ended = Deferred.makeUnsafe<never>()
  const process = Process.make({
    name: options.name,
    timeline: options.timeline,
    seed: options.seed,
    logger: EventLog.logger(log, options.name),
    logLevel: options.log === undefined ? "None" : "Info"
  })
  const crash = (): void => {
    if (!process.isAlive()) return
    log.add(`${options.name} is killed`)
    process.kill()
    wire.sever()
    // Not here and now: whoever waits for this must not run inside of what just died.
    options.timeline.enqueue(options.world, () => Deferred.doneUnsafe(killed, Exit.void))
  }
  const wire = Wire.make({
    world: options.world,
    servers: options.servers,
    describe: Exchanges.describe,
    fate: (point) => {
      const fate = options.fate(point)
      log.add(`${options.name} ${point.index} ${point.text}${fate === "deliver" ? "" : ` (${fate})`}`)
      return fate
    },
    crash,
    reachable: options.reachable,
    latency: options.latency,
    survives: options.survives,
    onAnswer: (point, response) => log.add(`${options.name} ${point.index} got ${Exchanges.outcome(response)}`)
  })
  const config = KubeConfig.fixed({
    server: options.kubernetes.origin,
    token: options.kubernetes.token,
    namespace: "capi-scvmm"
  })
  const outside = options.tamper(Layer.mergeAll(KubeClient.layer(config), ScvmmSession.layer))
  const operator = () => Operator.run(options.settings, () => Effect.void)
  const fiber = process.fork(
    Replica.run(options.settings, config, outside, operator, Effect.never).pipe(
      Effect.provide(Dial.layerInProcess(wire.servers))
    )
  )
  fiber.addObserver((exit) => {
    if (Exit.isFailure(exit) && !Exit.hasInterrupts(exit)) {
      Deferred.doneUnsafe(ended, Exit.die(Cause.squash(exit.cause)))
    }
  })
  return {
    name: options.name,
    wire,
    kill: Effect.sync(crash),
    stop: Effect.suspend(() => Fiber.interrupt(fiber)).pipe(
      Effect.tap(() => Effect.sync(() => log.add(`${options.name} has stopped`)))
    ),
    killed: Deferred.await(killed),
    running: Deferred.await(ended)
  }
}

/** What `manager` is started with unless told. */
export const settings: Operator.Settings & Replica.Settings = {
  namespace: "",
  watchFilter: undefined,
  machineConcurrency: 10,
  clusterConcurrency: 10,
  providerConcurrency: 5,
  sweepPeriod: Duration.seconds(120),
  transitionPeriod: Duration.seconds(5),
  featureGates: FeatureGates.defaults,
  leaderElection: undefined,
  gracefulShutdown: Duration.seconds(30)
}
