/** What a life in turmoil draws from its seed: numbers, one of many. */
import type { Entropy } from "../../../src/simulators/scvmm/Entropy.ts"

export const chosen = <A>({ between }: Entropy, of: readonly [A, ...ReadonlyArray<A>]): A =>
  of[Math.floor(between(0, of.length))] ?? of[0]

export const whole = ({ between }: Entropy, from: number, to: number): number => Math.floor(between(from, to + 1))
