/** The operator as a process of its own: this very program, started with `manager`, killed, and started again. */
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as RecordWire from "../RecordWire.ts"

export interface Options {
  readonly kubeconfig: string
  /** Gets its JSON log lines. */
  readonly log: string
  readonly transitionSeconds: number
  /** Of the first process; of the next ones with their number. */
  readonly recordWire: string | undefined
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
  /** Of the process that runs, or ran last. */
  readonly pid: () => number
  /** Never succeeds: fails when the operator ends unasked. */
  readonly running: Effect.Effect<never, OperatorEnded>
  /** SIGKILL: nothing of it tidies up. Returns when the process is gone. */
  readonly kill: Effect.Effect<void>
  /** Another process, after `kill`. */
  readonly restart: Effect.Effect<void>
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

const arguments_ = (options: Options, number: number): ReadonlyArray<string> => [
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
  String(options.transitionSeconds),
  ...(options.recordWire === undefined ? [] : ["--record-wire", RecordWire.fileOf(options.recordWire, number)])
]

const spawn = (options: Options, number: number): childProcess.ChildProcess => {
  const log = fs.openSync(options.log, "a", 0o600)
  // Of the same process group: a terminal that closes or interrupts takes both.
  const child = childProcess.spawn(process.execPath, arguments_(options, number), {
    stdio: ["ignore", log, log],
    env: { ...process.env, LOG_FORMAT: "json" }
  })
  fs.closeSync(log)
  const kill = () => void child.kill("SIGKILL")
  process.once("exit", kill)
  child.once("exit", () => process.removeListener("exit", kill))
  return child
}

interface Process {
  /** From 1. */
  readonly number: number
  readonly child: childProcess.ChildProcess
  readonly ended: Deferred.Deferred<End>
  /** Set by who kills it on purpose; ends when there is another process. */
  successor: Deferred.Deferred<Process> | undefined
}

const begin = (options: Options, number: number): Process => {
  const ended = Deferred.makeUnsafe<End>()
  const end = (how: End): void => void Deferred.doneUnsafe(ended, Effect.succeed(how))
  const child = spawn(options, number)
  child.once("exit", (code, signal) => end(code ?? signal ?? "no exit code"))
  child.once("error", (error) => end(error.message))
  return { number, child, ended, successor: undefined }
}

const send = ({ child }: Process, signal: "SIGTERM" | "SIGKILL") => Effect.sync(() => void child.kill(signal))

const stopWithin = (process: Process, limit: "10 seconds" | "30 seconds"): Effect.Effect<End> =>
  send(process, "SIGTERM").pipe(
    Effect.andThen(Deferred.await(process.ended)),
    Effect.interruptible,
    Effect.timeoutOrElse({
      duration: limit,
      orElse: () => Effect.andThen(send(process, "SIGKILL"), Deferred.await(process.ended))
    })
  )

/** Ends with the scope at the latest: asked first, killed after ten seconds. */
export const start = Effect.fn("Operator.start")(function* (options: Options) {
  const operator = yield* Effect.acquireRelease(
    Effect.sync(() => ({ process: begin(options, 1) })),
    (operator) => stopWithin(operator.process, "10 seconds")
  )
  const watch = (process: Process): Effect.Effect<never, OperatorEnded> =>
    Effect.gen(function* () {
      const how = yield* Deferred.await(process.ended)
      if (process.successor !== undefined) return yield* watch(yield* Deferred.await(process.successor))
      return yield* new OperatorEnded({ end: how, lastLines: yield* tail(options.log, 20) })
    })
  return {
    pid: () => operator.process.child.pid ?? 0,
    running: Effect.suspend(() => watch(operator.process)),
    kill: Effect.suspend(() => {
      operator.process.successor = Deferred.makeUnsafe()
      return Effect.andThen(send(operator.process, "SIGKILL"), Effect.asVoid(Deferred.await(operator.process.ended)))
    }),
    restart: Effect.sync(() => {
      const { successor, number } = operator.process
      operator.process = begin(options, number + 1)
      if (successor !== undefined) Deferred.doneUnsafe(successor, Effect.succeed(operator.process))
    }),
    stop: Effect.suspend(() => stopWithin(operator.process, "30 seconds"))
  } satisfies Operator
})
