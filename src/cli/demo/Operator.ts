/** The operator as a process of its own: this very program, started with `manager`. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"

export interface Options {
  readonly kubeconfig: string
  /** Gets its JSON log lines. */
  readonly log: string
  readonly transitionSeconds: number
}

/** How a process ended: its exit code, or the signal that killed it. */
export type End = number | string

/** The operator could not be started, or ended although nobody had asked it to. */
export class OperatorEnded extends Data.TaggedError("OperatorEnded")<{
  readonly end: End
  readonly lastLines: ReadonlyArray<string>
}> {
  override get message(): string {
    return [`the operator ended with ${String(this.end)}; its last log lines:`, ...this.lastLines].join("\n")
  }
}

export interface Operator {
  readonly pid: number
  /** Never succeeds: fails when the operator ends. */
  readonly running: Effect.Effect<never, OperatorEnded>
  /** SIGTERM, and how it ended; killed when that takes longer than 30 s. */
  readonly stop: Effect.Effect<End>
}

const tail = (file: string, count: number): Effect.Effect<ReadonlyArray<string>> =>
  Effect.sync(() =>
    fs
      .readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .slice(-count)
  )

const arguments_ = (options: Options): ReadonlyArray<string> => [
  // The file that this process was started with.
  process.argv[1] ?? "",
  "manager",
  "--kubeconfig",
  options.kubeconfig,
  "--health-probe-bind-address",
  "127.0.0.1:0",
  "--diagnostics-address",
  "127.0.0.1:0",
  "--vm-transition-period",
  String(options.transitionSeconds)
]

const spawn = (options: Options): childProcess.ChildProcess => {
  const log = fs.openSync(options.log, "a", 0o600)
  // Of the same process group: a terminal that closes or interrupts takes both.
  const child = childProcess.spawn(process.execPath, arguments_(options), {
    stdio: ["ignore", log, log],
    env: { ...process.env, LOG_FORMAT: "json" }
  })
  fs.closeSync(log)
  const kill = () => void child.kill("SIGKILL")
  process.once("exit", kill)
  child.once("exit", () => process.removeListener("exit", kill))
  return child
}

/** Ends with the scope at the latest: asked first, killed after ten seconds. */
export const start = Effect.fn("Operator.start")(function* (options: Options) {
  const ended = yield* Deferred.make<End>()
  const end = (how: End): void => void Deferred.doneUnsafe(ended, Effect.succeed(how))
  const stopWithin = (child: childProcess.ChildProcess, limit: "10 seconds" | "30 seconds"): Effect.Effect<End> =>
    Effect.sync(() => void child.kill("SIGTERM")).pipe(
      Effect.andThen(Deferred.await(ended)),
      Effect.interruptible,
      Effect.timeoutOrElse({
        duration: limit,
        orElse: () =>
          Effect.andThen(
            Effect.sync(() => void child.kill("SIGKILL")),
            Deferred.await(ended)
          )
      })
    )
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(options)
      child.once("exit", (code, signal) => end(code ?? signal ?? "no exit code"))
      child.once("error", (error) => end(error.message))
      return child
    }),
    (child) => stopWithin(child, "10 seconds")
  )
  return {
    pid: child.pid ?? 0,
    running: Effect.gen(function* () {
      const how = yield* Deferred.await(ended)
      return yield* new OperatorEnded({ end: how, lastLines: yield* tail(options.log, 20) })
    }),
    stop: stopWithin(child, "30 seconds")
  } satisfies Operator
})
