/** One of the operator's processes: elected, fenced, and ended in order, over whatever Dial reaches. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Dial } from "../../layers/Dial.ts"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import type { KubeConfig } from "../../layers/kube/KubeConfig.ts"
import type { LeaderElection } from "../runtime/LeaderElection.ts"
import * as Leadership from "./Leadership.ts"
import * as Lifecycle from "./Lifecycle.ts"

export interface Settings {
  /** Undefined: this process is the only one. */
  readonly leaderElection: Leadership.Settings | undefined
  /** How long work that runs may go on once the end was asked for. */
  readonly gracefulShutdown: Duration.Duration
}

/** Its connections are not those of the operator, which pass its fence. */
const electionOf = Effect.fnUntraced(function* (settings: Leadership.Settings | undefined, config: KubeConfig) {
  if (settings === undefined) return undefined
  const client = KubeClient.layer(config, { timeout: Leadership.requestTimeout(settings) })
  const context = yield* Layer.build(client)
  return yield* Effect.provideContext(Leadership.make(settings, config.namespace), context)
})

/**
 * Runs the operator over `outside`, whose every way out passes the fence. `again` ends when the end is asked for once more.
 *
 * ## Errors
 * LeadershipLost when another process may lead by now, EndForced after `again`, and those of the operator.
 */
export const run = Effect.fnUntraced(function* <Out, A, E, R>(
  settings: Settings,
  config: KubeConfig,
  outside: Layer.Layer<Out, never, Dial>,
  operator: (election: LeaderElection | undefined) => Effect.Effect<A, E, R>,
  again: Effect.Effect<void>
) {
  const election = yield* electionOf(settings.leaderElection, config)
  const ways = election === undefined ? outside : Layer.provide(outside, Dial.layerFenced(election.fence))
  const { gracefulShutdown } = settings
  return yield* Lifecycle.run(Effect.provide(operator(election), ways), { election, gracefulShutdown, again })
}, Effect.scoped)
