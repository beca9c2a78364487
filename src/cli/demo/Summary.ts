/** What a demo came to: its figures as text and as JSON. */
import type { Json } from "../../../schemas/kube/Patch.ts"
import type { Crash } from "./Crash.ts"
import type { Step } from "./View.ts"
import { plural, seconds } from "./View.ts"

export interface Summary {
  /** From the first object to the last Node, in milliseconds; undefined when that was not reached. */
  readonly ready: number | undefined
  /** Machines of the cluster when it was ready. */
  readonly machines: number
  /** The operator was killed and came back; undefined when it was not. */
  readonly crash: Crash | undefined
  /** VMs created from beginning to end, those of scaling included. */
  readonly created: number
  readonly steps: ReadonlyArray<Step>
  /** Calls of PowerShell functions, by name. */
  readonly calls: ReadonlyMap<string, number>
  /** HTTP exchanges with SCVMM. */
  readonly exchanges: number
  /** UIDs of machines that ever had two VMs. */
  readonly duplicates: ReadonlyArray<string>
  readonly leftovers: ReadonlyArray<string>
}

const secondsOf = (millis: number): number => Math.round(millis) / 1000

const total = (summary: Summary): number => [...summary.calls.values()].reduce((sum, count) => sum + count, 0)

const listed = (items: ReadonlyArray<string>): ReadonlyArray<string> => items.map((item) => `    ${item}`)

/** What is wrong in the summary's own words; undefined when nothing was left and nothing doubled. */
export const verdict = ({ duplicates, leftovers }: Summary): string | undefined => {
  const wrong = [
    ...(duplicates.length === 0 ? [] : [`machines with more than one VM: ${duplicates.join(", ")}`]),
    ...(leftovers.length === 0 ? [] : [`left behind: ${leftovers.join(", ")}`])
  ]
  return wrong.length === 0 ? undefined : wrong.join("; ")
}

const crashed = (crash: Crash, ready: number | undefined): ReadonlyArray<string> => {
  const shells = `${plural(crash.abandoned.length, "shell")} of the killed process ${crash.abandoned.length === 1 ? "was" : "were"}`
  const readiness = ready === undefined ? "cluster not ready" : `cluster ready at ${seconds(ready)}`
  return [
    `  operator       killed at ${seconds(crash.killedAt)} amid ${plural(crash.creating, "creation")}, back at ${seconds(crash.backAt)}, ${readiness}`,
    `                 ${shells} left to WinRM's IdleTimeOut`
  ]
}

export const lines = (summary: Summary): ReadonlyArray<string> => [
  "Summary",
  ...summary.steps.map(
    (step) =>
      `  ${step.title.padEnd(58)} ${step.endedAt === undefined ? "not reached" : seconds(step.endedAt - step.startedAt).padStart(8)}`
  ),
  ...(summary.crash === undefined ? [] : crashed(summary.crash, summary.ready)),
  `  SCVMM calls    ${total(summary)}`,
  ...[...summary.calls]
    .toSorted(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name, count]) => `    ${name.padEnd(30)} ${String(count).padStart(6)}`),
  `  HTTP exchanges ${summary.exchanges}, ${(summary.exchanges / Math.max(summary.created, 1)).toFixed(1)} for each of ${summary.created} machines`,
  `  duplicates     ${summary.duplicates.length}`,
  ...listed(summary.duplicates),
  `  leftovers      ${summary.leftovers.length}`,
  ...listed(summary.leftovers)
]

/** What --json writes. */
export const json = (summary: Summary): Json => ({
  ready_seconds: summary.ready === undefined ? null : secondsOf(summary.ready),
  ...(summary.crash !== undefined && {
    killed_seconds: secondsOf(summary.crash.killedAt),
    back_seconds: secondsOf(summary.crash.backAt),
    creating_when_killed: summary.crash.creating,
    abandoned_shells: summary.crash.abandoned.length
  }),
  machines: summary.machines,
  scvmm_calls: total(summary),
  exchanges: summary.exchanges,
  duplicates: summary.duplicates.length,
  leftovers: summary.leftovers.length
})
