/** What happened in a simulated universe, one line an event, each with its virtual time: two runs are compared by it. */
import * as Logger from "effect/Logger"
import * as LogLine from "../../layers/telemetry/LogLine.ts"
import type { Timeline } from "./Timeline.ts"

export interface EventLog {
  readonly add: (what: string) => void
  readonly lines: () => ReadonlyArray<string>
}

export const make = (timeline: Timeline): EventLog => {
  const lines: Array<string> = []
  return { add: (what) => void lines.push(`${timeline.stamp()} ${what}`), lines: () => lines }
}

export const none: EventLog = { add: () => undefined, lines: () => [] }

/** What a process says, as its JSON log lines; the timestamp is the log's own. */
export const logger = (log: EventLog, process: string): Logger.Logger<unknown, void> =>
  Logger.map(LogLine.json, (line) => log.add(`${process} says ${line}`))
