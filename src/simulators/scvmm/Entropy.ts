/** Chance of a simulation, all drawn from one seed: the same seed and the same order of events give the same ids. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export interface Entropy {
  /** From 0 up to, not including, 1. */
  readonly fraction: () => number
  readonly between: (from: number, to: number) => number
  readonly hex: (digits: number) => string
  /** A version 4 UUID in lower case. */
  readonly guid: () => string
}

export const make = (seed: string | number): Effect.Effect<Entropy> =>
  Effect.map(Effect.service(Random.Random).pipe(Random.withSeed(seed)), (random) => {
    const fraction = (): number => random.nextDoubleUnsafe()
    const hex = (digits: number): string =>
      Array.from({ length: digits }, () => Math.floor(fraction() * 16).toString(16)).join("")
    const variant = (): string => "89ab".charAt(Math.floor(fraction() * 4))
    return {
      fraction,
      hex,
      between: (from, to) => from + (to - from) * fraction(),
      guid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${variant()}${hex(3)}-${hex(12)}`
    }
  })
