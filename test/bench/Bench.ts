/** Figures of this program, measured anew at every run, some of them beside those of a peer. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Figure {
  readonly value: number
  readonly unit: string
  /** What the Go peer needs for the same, measured in the same run. */
  readonly peer?: number
  /** How many times as good as the peer: above 1 is ahead of it, whichever way the figure counts. */
  readonly ratio?: number
}

/** By key: what runs are compared by, so a key is never renamed. */
export type Figures = Readonly<Record<string, Figure>>

export interface Bench {
  readonly keys: ReadonlyArray<string>
  /** One figure of each key. */
  readonly measure: Effect.Effect<Figures, never, Scope.Scope>
}

/** `better`: which of two figures is the better one. */
export const figure = (
  value: number,
  unit: string,
  against?: { readonly peer: number | undefined; readonly better: "higher" | "lower" }
): Figure =>
  against?.peer === undefined
    ? { value, unit }
    : {
        value,
        unit,
        peer: against.peer,
        ratio: against.better === "higher" ? value / against.peer : against.peer / value
      }

/** The middle one: an odd outlier of a busy machine does not move it. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** Seconds of CPU time that this process has used: what others do on the machine is not in it. */
export const cpuSeconds = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1e6
}
