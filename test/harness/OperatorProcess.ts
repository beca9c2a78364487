/** The operator as a process of its own, as a Deployment runs it. */
import * as Effect from "effect/Effect"
import * as Clock from "effect/Clock"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Process from "./Process.ts"

/** A line of its log. */
export type Line = Readonly<Record<string, unknown>>

export interface Options {
  readonly kubeconfig: string
  /** The file that gets its log. */
  readonly log: string
  /** LOG_* and OTEL_* of this process are not passed on. */
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: ReadonlyArray<string>
  /** From the source, unless given. */
  readonly command?: Command
}

export interface OperatorProcess {
  readonly pid: number
  /** When it was started, in milliseconds since the epoch: the clock of the log's timestamps. */
  readonly startedAt: number
  readonly text: Effect.Effect<string>
  /** Dies on a line that is no JSON. */
  readonly lines: Effect.Effect<ReadonlyArray<Line>>
  /** SIGTERM, and how it ended. */
  readonly stop: Effect.Effect<number | string>
  /** Waits until it has ended by itself. */
  readonly ended: Effect.Effect<number | string>
}

const root = path.resolve(import.meta.dirname, "../..")

/** How its process is started. */
export interface Command {
  readonly arguments: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

const fromSource: Command = { arguments: [path.join(root, "src/main.ts"), "manager"], env: {} }

/** The arguments and variables of `npm start`: the bundle, which `npm run bundle` has to have made. */
export const deployed = (): Command => {
  const words = String(JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")).scripts.start).split(" ")
  const node = words.indexOf("node")
  return {
    env: Object.fromEntries(words.slice(0, node).map((word) => word.split("=", 2))),
    arguments: words.slice(node + 1).map((word) => (word.endsWith(".js") ? path.join(root, word) : word))
  }
}

const inherited = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:LOG|OTEL)_/u.test(name)))

/** The whole lines of JSON that a file holds by now; a line that is none dies. */
export const linesOf = (file: string): Effect.Effect<ReadonlyArray<Line>> =>
  Effect.sync(() => {
    const all = fs.readFileSync(file, "utf8")
    // What stands behind the last line's end is still being written.
    const whole = all.slice(0, all.lastIndexOf("\n") + 1)
    return whole
      .split("\n")
      .filter((line) => line !== "")
      .map((line): Line => {
        try {
          return JSON.parse(line)
        } catch {
          throw new Error(`not a line of JSON: ${line}`)
        }
      })
  })

/** Ends with the scope at the latest. */
export const start = Effect.fnUntraced(function* (options: Options) {
  const startedAt = yield* Clock.currentTimeMillis
  const command = options.command ?? fromSource
  const child = yield* Process.spawn(
    process.execPath,
    [
      [...command.arguments, "--kubeconfig", options.kubeconfig],
      ["--health-probe-bind-address", "127.0.0.1:0", "--diagnostics-address", "127.0.0.1:0"],
      options.flags ?? []
    ].flat(),
    options.log,
    { ...inherited(), LOG_FORMAT: "json", ...command.env, ...options.env }
  )
  return {
    pid: child.pid ?? 0,
    startedAt,
    text: Effect.sync(() => fs.readFileSync(options.log, "utf8")),
    lines: linesOf(options.log),
    stop: Process.terminate(child),
    ended: Process.ended(child)
  } satisfies OperatorProcess as OperatorProcess
})
