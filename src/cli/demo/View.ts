/** The demo on the screen: from its state to lines of text, a table for terminals and a line per change for the rest. */
import type { MachineRow, Snapshot } from "./Snapshot.ts"

export interface Step {
  readonly title: string
  /** Milliseconds since the demo began. */
  readonly startedAt: number
  /** Undefined while it runs. */
  readonly endedAt: number | undefined
}

export interface State {
  /** Milliseconds since the demo began. */
  readonly elapsed: number
  readonly steps: ReadonlyArray<Step>
  readonly snapshot: Snapshot
  /** Calls of PowerShell functions in SCVMM, and HTTP exchanges with it, so far. */
  readonly calls: number
  readonly exchanges: number
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

/** "1 worker", "2 workers". */
export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

export const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

/** Room for "9999.9 s". */
const stamp = (millis: number): string => seconds(millis).padStart(8)

const bar = (progress: number): string => {
  const full = Math.round(Math.min(Math.max(progress, 0), 100) / 10)
  return `${String(progress).padStart(3)} % ${"█".repeat(full)}${"░".repeat(10 - full)}`
}

const columns: ReadonlyArray<readonly [string, (row: MachineRow) => string]> = [
  ["MACHINE", (row) => row.name],
  ["PHASE", (row) => row.phase],
  ["VM", (row) => row.vm ?? ""],
  ["ADDRESS", (row) => row.address ?? ""],
  ["JOB", (row) => (row.job === undefined ? "" : `${bar(row.job.progress)} ${row.job.name}`)]
]

/** What a column has room for at least, so that the table does not move with every change. */
const widths: Readonly<Record<string, number>> = { MACHINE: 24, PHASE: 12, VM: 13, ADDRESS: 15 }

const table = (rows: ReadonlyArray<MachineRow>): ReadonlyArray<string> => {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => cell(row)))]
  const width = columns.map(([title], column) =>
    Math.max(widths[title] ?? 0, ...cells.map((line) => (line[column] ?? "").length))
  )
  return cells.map((line) =>
    line
      .map((cell, column) => cell.padEnd(width[column] ?? 0))
      .join("  ")
      .trimEnd()
  )
}

const stepLine = (step: Step, elapsed: number): string =>
  `${step.endedAt === undefined ? "▸" : "✔"} ${step.title.padEnd(58)} ${stamp((step.endedAt ?? elapsed) - step.startedAt)}`

/** The whole picture, never larger than the terminal: machines that do not fit are counted. */
export const picture = (state: State, size: Size): ReadonlyArray<string> => {
  const head = [
    `Cluster API on a simulated SCVMM${" ".repeat(28)} ${stamp(state.elapsed)}`,
    "",
    ...state.steps.map((step) => stepLine(step, state.elapsed)),
    ""
  ]
  const foot = ["", `SCVMM: ${state.calls} calls in ${state.exchanges} HTTP exchanges`]
  // One for the table's head, one for the line of the cursor.
  const room = Math.max(size.rows - head.length - foot.length - 2, 1)
  const all = state.snapshot.machines
  const shown = all.length > room ? all.slice(0, Math.max(room - 1, 0)) : all
  const rest = all.length - shown.length
  const machines = all.length === 0 ? [] : [...table(shown), ...(rest === 0 ? [] : [`… and ${rest} more`])]
  return [...head, ...machines, ...foot].map((line) => line.slice(0, Math.max(size.columns - 1, 20)))
}

const described = (row: MachineRow): string =>
  [row.phase.padEnd(12), row.vm === undefined ? "no VM" : `VM ${row.vm}`, row.address ?? ""]
    .filter((part) => part !== "")
    .join("  ")

interface Line {
  readonly at: number
  readonly text: string
}

const stepChanges = (before: Step | undefined, after: Step): ReadonlyArray<Line> => [
  ...(before === undefined ? [{ at: after.startedAt, text: `▸ ${after.title}` }] : []),
  ...(after.endedAt !== undefined && before?.endedAt === undefined
    ? [{ at: after.endedAt, text: `✔ ${after.title}: ${seconds(after.endedAt - after.startedAt)}` }]
    : [])
]

const machineChanges = (
  before: ReadonlyMap<string, MachineRow>,
  after: ReadonlyMap<string, MachineRow>
): ReadonlyArray<string> => [
  ...[...after.values()]
    .filter((row) => {
      const known = before.get(row.name)
      return known === undefined || described(known) !== described(row)
    })
    .map((row) => `  ${row.name.padEnd(24)}  ${described(row)}`),
  ...[...before.keys()].filter((name) => !after.has(name)).map((name) => `  ${name.padEnd(24)}  gone`)
]

const byName = (state: State | undefined): ReadonlyMap<string, MachineRow> =>
  new Map((state?.snapshot.machines ?? []).map((row) => [row.name, row]))

/** A line for each step that began or ended and each machine whose phase, VM or address changed; progress makes none. */
export const changes = (before: State | undefined, after: State): ReadonlyArray<string> =>
  [
    ...after.steps.flatMap((step, index) => stepChanges(before?.steps[index], step)),
    ...machineChanges(byName(before), byName(after)).map((text) => ({ at: after.elapsed, text }))
  ]
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, text }) => `${stamp(at)}  ${text}`)
