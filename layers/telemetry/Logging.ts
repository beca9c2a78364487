/** The loggers of the program: JSON for machines, pretty on a terminal; each line is an event of its span as well. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as LogLine from "./LogLine.ts"

export const formats = ["auto", "json", "pretty"] as const
export type Format = (typeof formats)[number]

export interface Options {
  /** Lines below it are not made; default LOG_LEVEL, else Info. */
  readonly level?: LogLevel.LogLevel
  /** Default LOG_FORMAT, else `auto`: pretty when the stream is a terminal. */
  readonly format?: Format
  /** Default stderr, as every Kubernetes component: stdout is for what a command prints. */
  readonly stream?: "stdout" | "stderr"
}

const levels: Readonly<Record<string, LogLevel.LogLevel>> = {
  all: "All",
  trace: "Trace",
  debug: "Debug",
  info: "Info",
  warn: "Warn",
  warning: "Warn",
  error: "Error",
  fatal: "Fatal",
  none: "None",
  off: "None"
}

/** Names that LOG_LEVEL and flags take, whatever their case. */
export const parseLevel = (text: string): LogLevel.LogLevel | undefined => levels[text.trim().toLowerCase()]

const Level = Schema.String.check(
  Schema.makeFilter((text) => parseLevel(text) !== undefined || `one of ${Object.keys(levels).join(", ")}`)
)

const environment = Config.all({
  level: Config.schema(Level, "LOG_LEVEL").pipe(Config.withDefault("info")),
  format: Config.Literals(formats, "LOG_FORMAT").pipe(Config.withDefault("auto" as const))
})

const isTerminal = (stream: "stdout" | "stderr"): boolean => globalThis.process?.[stream]?.isTTY === true

/** Replaces all loggers. Fails when LOG_LEVEL or LOG_FORMAT holds a name that there is not. */
export const layer = (options: Options = {}): Layer.Layer<never, Config.ConfigError> =>
  Layer.unwrap(
    Effect.map(environment, (defaults) => {
      const stream = options.stream ?? "stderr"
      const format = options.format ?? defaults.format
      const pretty = format === "pretty" || (format === "auto" && isTerminal(stream))
      const line = pretty ? LogLine.pretty(isTerminal(stream)) : LogLine.json
      const console = stream === "stderr" ? Logger.withConsoleError(line) : Logger.withConsoleLog(line)
      return Layer.mergeAll(
        Logger.layer([console, Logger.tracerLogger]),
        Layer.succeed(References.MinimumLogLevel, options.level ?? parseLevel(defaults.level) ?? "Info")
      )
    })
  )
