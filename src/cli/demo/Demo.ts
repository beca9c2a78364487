/**
 * The demo from beginning to end.
 *
 * Expected flow: temporary folder → site → operator as its own process → scenario, in which it is killed and started again →
 * SIGTERM to the operator → what was left → summary.
 * Guarantees: nothing outlives this effect, however it ends; the folder alone stays after a failure and with `keep`.
 * Errors: DemoFailed, after the summary was shown; OperatorEnded with keep; SettingInvalid before anything is started.
 */
import * as Cause from "effect/Cause"
import * as Console from "effect/Console"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Logger from "effect/Logger"
import * as Path from "effect/Path"
import * as Result from "effect/Result"
import * as LogLine from "../../../layers/telemetry/LogLine.ts"
import { SettingInvalid } from "../SettingInvalid.ts"
import * as RecordWire from "../RecordWire.ts"
import * as Speed from "../Speed.ts"
import type { Crash } from "./Crash.ts"
import * as DemoCluster from "./DemoCluster.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Monitor from "./Monitor.ts"
import * as Operator from "./Operator.ts"
import * as Scenario from "./Scenario.ts"
import * as Screen from "./Screen.ts"
import * as Site from "./Site.ts"
import * as Summary from "./Summary.ts"

export interface Options {
  /** File for the summary. */
  readonly json: string | undefined
  /** Stops when the cluster is up, and stays until interrupted. */
  readonly keep: boolean
  /** Workers at the start. */
  readonly workers: number
  readonly latency: Speed.Name
  /** Kills the operator while it creates machines, and starts it again. */
  readonly crash: boolean
  /** New file for the operator's wire recording; after a crash there is a second one. */
  readonly recordWire: string | undefined
}

/** The demo did not come to its end, or something was left at it. */
export class DemoFailed extends Data.TaggedError("DemoFailed")<{ readonly message: string }> {}

const failed = (message: string) => new DemoFailed({ message })

/** The folder, removed at the end unless a person may want to look into it. */
const folder = (keep: boolean) =>
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    return yield* Effect.acquireRelease(
      Effect.orDie(files.makeTempDirectory({ prefix: "capi-scvmm-demo-" })),
      (path, exit) => {
        const looked = keep || (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause))
        return looked
          ? Effect.ignore(Console.error(`the logs of the operator and the simulators are in ${path}`))
          : Effect.ignore(files.remove(path, { recursive: true }))
      }
    )
  })

/** A file that can be written to, or the setting is wrong: found out before the demo and not after it. */
const writable = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  yield* files
    .writeFileString(file, "")
    .pipe(
      Effect.mapError((error) => new SettingInvalid({ message: `--json: ${file} cannot be written: ${error.message}` }))
    )
})

/** The recordings of so many processes can be made. */
const recordable = (file: string, processes: number) =>
  Effect.forEach(
    Array.from({ length: processes }, (_, index) => RecordWire.fileOf(file, index + 1)),
    RecordWire.check,
    { discard: true }
  )

const kept = (site: Site.Site, screen: Screen.Screen) =>
  Effect.gen(function* () {
    yield* screen.print([
      "The cluster stays until Ctrl-C. For kubectl:",
      "",
      `  export KUBECONFIG=${site.kubeconfig}`,
      "  kubectl get machines,scvmmmachines -o wide",
      ""
    ])
    // To be ended by a signal is what this is for.
    return yield* Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (process.exitCode = 0)))
  })

const summarize = Effect.fnUntraced(function* (
  site: Site.Site,
  monitor: Monitor.Monitor,
  workers: number,
  crash: Crash | undefined
) {
  const { steps } = yield* monitor.state
  const [up] = steps
  const { calls, everDuplicated } = site.world.scvmm.state
  return {
    ready: up?.endedAt,
    machines: up?.endedAt === undefined ? 0 : Scenario.controlPlanes + workers,
    created: calls().get("New-CapsVirtualMachine") ?? 0,
    crash,
    steps,
    calls: calls(),
    exchanges: yield* site.world.winrm.exchanges,
    duplicates: everDuplicated(),
    leftovers: yield* Effect.orDie(
      Leftovers.find(site.world, `${DemoCluster.endpoint.host}:${DemoCluster.endpoint.port}`, crash?.abandoned ?? [])
    )
  } satisfies Summary.Summary
})

const perform = Effect.fnUntraced(function* (
  options: Options,
  site: Site.Site,
  screen: Screen.Screen,
  monitor: Monitor.Monitor,
  operator: Operator.Operator
) {
  const { limit } = Speed.speed(options.latency)
  const inTime = <A>(effect: Effect.Effect<A>): Effect.Effect<A, DemoFailed | Operator.OperatorEnded> =>
    Effect.raceFirst(effect, operator.running).pipe(
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () =>
          Effect.flatMap(monitor.state, ({ steps }) =>
            failed(
              `"${steps.at(-1)?.title ?? "start"}" had not come to its end when ${Duration.format(limit)} were over`
            )
          )
      })
    )
  const bringUp = Scenario.bringUp(site, monitor, options.workers, options.crash ? operator : undefined)
  if (options.keep) {
    yield* inTime(bringUp)
    yield* monitor.refresh
    return yield* Effect.raceFirst(kept(site, screen), operator.running)
  }
  const outcome = yield* Effect.result(
    inTime(Effect.tap(bringUp, Scenario.scaleAndRemove(site, monitor, options.workers)))
  )
  const end = yield* Result.isFailure(outcome) ? operator.stop : monitor.step("stop the operator", operator.stop)
  yield* monitor.refresh
  const crash = Result.isSuccess(outcome) ? outcome.success : undefined
  const summary = yield* summarize(site, monitor, options.workers, crash)
  yield* screen.print(Summary.lines(summary))
  if (options.json !== undefined) {
    const files = yield* FileSystem.FileSystem
    yield* Effect.orDie(files.writeFileString(options.json, `${JSON.stringify(Summary.json(summary), undefined, 2)}\n`))
  }
  if (Result.isFailure(outcome)) {
    const { snapshot } = yield* monitor.state
    return yield* failed([outcome.failure.message, ...snapshot.complaints].join("\n"))
  }
  if (end !== 0) return yield* failed(`the operator was told to stop and ended with ${String(end)}`)
  const verdict = Summary.verdict(summary)
  if (verdict !== undefined) return yield* failed(verdict)
})

const inFolder = Effect.fnUntraced(function* (options: Options, home: string) {
  const path = yield* Path.Path
  const speed = Speed.speed(options.latency)
  const screen = yield* Screen.make
  const site = yield* Site.start({ speed, folder: home })
  const operator = yield* Operator.start({
    kubeconfig: site.kubeconfig,
    log: path.join(home, "operator.log"),
    transitionSeconds: speed.transitionSeconds,
    recordWire: options.recordWire
  })
  yield* screen.print([`Kubernetes ${site.kubernetes}  SCVMM ${site.winrm}  operator: process ${operator.pid()}`, ""])
  const monitor = yield* Monitor.make(site.world, screen)
  return yield* Effect.raceFirst(
    perform(options, site, screen, monitor, operator),
    Effect.raceFirst(monitor.run, site.world.join)
  )
})

/** Shows itself on stdout; the process's exit code is 130 when it is interrupted before its end. */
export const run = (options: Options) =>
  Effect.gen(function* () {
    if (options.keep && options.json !== undefined) {
      return yield* new SettingInvalid({
        message: "--json: a demo that stays has no summary to write; leave out --keep"
      })
    }
    if (options.json !== undefined) yield* writable(options.json)
    if (options.recordWire !== undefined) yield* recordable(options.recordWire, options.crash ? 2 : 1)
    const path = yield* Path.Path
    const home = yield* folder(options.keep)
    // What the simulators say must not run into the picture.
    const log = Logger.layer([Logger.toFile(LogLine.json, path.join(home, "simulators.log"))])
    yield* inFolder(options, home).pipe(Effect.scoped, Effect.provide(log))
  }).pipe(
    Effect.scoped,
    Effect.onInterrupt(() => Effect.sync(() => void (process.exitCode ??= 130)))
  )
