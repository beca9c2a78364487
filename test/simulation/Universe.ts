/**
 * A universe of its own: the world and the operators in it, in virtual time, out of one seed.
 *
 * Guarantees: the same options give the same universe, event by event. Nothing of it outlives `simulate`.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type { Target } from "../../src/cli/demo/DemoCluster.ts"
import type * as Operator from "../../src/cli/Operator.ts"
import type * as Replica from "../../src/cli/Replica.ts"
import type { EmbeddedApiServer } from "../../src/simulators/kube/EmbeddedApiServer.ts"
import { text } from "../../src/simulators/kube/KubeJson.ts"
import { make as makeEntropy } from "../../src/simulators/scvmm/Entropy.ts"
import type { Pace } from "../../src/simulators/guest/KubeadmGuest.ts"
import type { Latency } from "../../src/simulators/scvmm/Latency.ts"
import type { ShellInfo } from "../../src/simulators/scvmm/Shell.ts"
import * as WinRmServer from "../../src/simulators/scvmm/WinRmServer.ts"
import * as World from "../../src/simulators/World.ts"
import * as EventLog from "./EventLog.ts"
import * as Incarnation from "./Incarnation.ts"
import * as Process from "./Process.ts"
import { Timeline } from "./Timeline.ts"
import type { Fate, Point } from "./Wire.ts"

export interface Options {
  readonly seed: string
  readonly latency: Latency
  readonly pace: Pace
  /** Keeps an event log; costs a third more. */
  readonly record: boolean
  readonly functions?: World.Options["functions"]
  readonly tamper?: Incarnation.Tamper
  /** Of the account on the exec hosts: without that, nobody finds an earlier operator's shells by their names. */
  readonly mayListShells?: boolean
  readonly settings?: Partial<Operator.Settings & Replica.Settings>
  /** What the scenario may take. */
  readonly limit: Duration.Duration
}

export interface Universe {
  readonly timeline: Timeline
  readonly log: EventLog.EventLog | undefined
  readonly world: World.World
  readonly kubernetes: EmbeddedApiServer
  /** What the operator is told of SCVMM. */
  readonly target: Target
  /** Starts an operator; `fate` decides over each of its exchanges. */
  readonly operator: (fate?: (point: Point) => Fate) => Incarnation.Incarnation
  /** While no operator's connections to these get through; those that are open are reset. */
  readonly outage: (of: keyof typeof outages, duration: Duration.Input) => Effect.Effect<void>
  /** Shells that are open on any exec host. */
  readonly shells: Effect.Effect<ReadonlyArray<ShellInfo>>
  /** Until `probe` answers; asked again whenever something was written to Kubernetes. */
  readonly until: <A>(probe: Effect.Effect<A | undefined>) => Effect.Effect<A>
}

const kubernetesOrigin = "https://kubernetes.simulated.test:6443"
const winRmPort = 5986
/** In the order in which the operator tries them. */
export const execHosts = ["127.0.0.1", "127.0.0.2"] as const
const winRmOrigin = (host: string): string => `https://${host}:${winRmPort}`
const outages = {
  kubernetes: [kubernetesOrigin],
  winrm: execHosts.map(winRmOrigin),
  firstExecHost: [winRmOrigin(execHosts[0])]
}
// Nobody looks into it in process; the operator wants one.
const certificate = "-----BEGIN CERTIFICATE-----\nsimulated\n-----END CERTIFICATE-----\n"

const build = (options: Options, timeline: Timeline, process: Process.Process, log: EventLog.EventLog | undefined) =>
  Effect.gen(function* () {
    const token = Redacted.make("simulated")
    const world = yield* World.make({
      latency: options.latency,
      pace: options.pace,
      seed: options.seed,
      tokens: [{ token, user: "operator" }],
      ...(options.functions !== undefined && { functions: options.functions })
    })
    const { kubernetes, scvmm, winrm } = world
    const otherHost = scvmm.execHost(scvmm.inventory.execHosts[1] ?? "")
    if (otherHost === undefined) return yield* Effect.die("a site with one exec host")
    const other = yield* WinRmServer.make({ host: otherHost, users: scvmm.inventory.accounts })
    if (options.mayListShells === false) {
      const disturbance = { _tag: "Fault", code: 5, subcode: "AccessDenied", text: "Access is denied." } as const
      for (const host of [winrm, other]) host.disturb([{ on: ["Enumerate"], disturbance }])
    }
    if (kubernetes === undefined) return yield* Effect.die("a world without a Kubernetes API")
    const waiters = new Set<Queue.Queue<void>>()
    kubernetes.follow(({ object, store, type }) => {
      log?.add(
        `kubernetes ${type} ${store} ${text(object, "metadata", "namespace")}/${text(object, "metadata", "name")} ${JSON.stringify(object)}`
      )
      for (const waiter of waiters) Queue.offerUnsafe(waiter, undefined)
    })
    const [account] = scvmm.inventory.accounts
    const chance = yield* makeEntropy(`${options.seed}/wire`)
    const operators: Array<Incarnation.Incarnation> = []
    const unreachable = new Set<string>()

    const universe: Universe = {
      timeline,
      log,
      world,
      kubernetes,
      target: {
        namespace: "default",
        port: winRmPort,
        ca: certificate,
        vmmHost: scvmm.inventory.vmmServer.name,
        userName: account?.userName ?? "",
        password: account?.password ?? ""
      },
      operator: (fate = () => "deliver") => {
        const name = `operator-${operators.length + 1}`
        const operator = Incarnation.start({
          name,
          seed: `${options.seed}/${name}`,
          timeline,
          world: process,
          log,
          servers: new Map([
            [kubernetesOrigin, kubernetes.handler],
            [winRmOrigin(execHosts[0]), winrm.handler],
            [winRmOrigin(execHosts[1]), other.handler]
          ]),
          kubernetes: { origin: kubernetesOrigin, token },
          settings: { ...Incarnation.settings, ...options.settings },
          fate,
          reachable: (origin) => !unreachable.has(origin),
          latency: () => chance.between(0.5, 3),
          survives: () => chance.fraction() < 0.5,
          tamper: options.tamper ?? ((outside) => outside)
        })
        operators.push(operator)
        return operator
      },
      shells: Effect.map(Effect.all([winrm.shells, other.shells]), (lists) => lists.flat()),
      outage: (of, duration) =>
        Effect.suspend(() => {
          const origins = outages[of]
          log?.add(`${of} is out of reach`)
          for (const origin of origins) {
            unreachable.add(origin)
            for (const { wire } of operators) wire.reset(origin)
          }
          return Effect.andThen(
            Effect.sleep(duration),
            Effect.sync(() => {
              log?.add(`${of} is back`)
              for (const origin of origins) unreachable.delete(origin)
            })
          )
        }),
      until: (probe) =>
        Effect.acquireUseRelease(
          Effect.tap(Queue.sliding<void>(1), (waiter) => Effect.sync(() => waiters.add(waiter))),
          (waiter) =>
            Effect.gen(function* () {
              for (;;) {
                const found = yield* probe
                if (found !== undefined) return found
                yield* Queue.take(waiter)
              }
            }),
          (waiter) => Effect.sync(() => waiters.delete(waiter))
        )
    }
    return universe
  })

export interface Outcome<A> {
  readonly value: A
  /** Virtual time. */
  readonly millis: number
  readonly steps: number
  readonly lines: ReadonlyArray<string>
}

/** Runs a scenario to its end; throws what it dies of, and the errors of Timeline.run. */
export const simulate = <A>(options: Options, scenario: (universe: Universe) => Effect.Effect<A>): Outcome<A> => {
  const timeline = new Timeline()
  const begin = timeline.now
  const log = options.record ? EventLog.make(timeline) : undefined
  const process = Process.make({
    name: "world",
    timeline,
    seed: `${options.seed}/world`,
    logger: EventLog.logger(log ?? EventLog.none, "world"),
    logLevel: log === undefined ? "None" : "Info"
  })
  const fiber = process.fork(
    Effect.gen(function* () {
      const universe = yield* build(options, timeline, process, log)
      return yield* Effect.raceFirst(scenario(universe), universe.world.join)
    }).pipe(Effect.scoped)
  )
  timeline.run(() => fiber.pollUnsafe() !== undefined, Duration.toMillis(options.limit))
  const exit = fiber.pollUnsafe()
  if (exit === undefined) throw new Error("the timeline ended before the scenario")
  if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  return { value: exit.value, millis: timeline.now - begin, steps: timeline.steps, lines: log?.lines() ?? [] }
}
