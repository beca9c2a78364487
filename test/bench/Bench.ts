/** One figure of this program, measured anew at every run. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

export interface Figure {
  readonly value: number
  readonly unit: string
}

export interface Bench {
  /** What it measures, by which runs are compared: never renamed. */
  readonly key: string
  readonly measure: Effect.Effect<Figure, never, Scope.Scope>
}

/** The middle one: an odd outlier of a busy machine does not move it. */
export const median = (values: ReadonlyArray<number>): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
