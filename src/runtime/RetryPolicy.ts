/** The one pure policy that turns a failed reconcile into a requeue. */
import type { Retry } from "../../schemas/Retry.ts"

/** The shape of every error of ours: what to say, and what the caller must do about it. */
export interface Failure {
  readonly message: string
  readonly retry: Retry
}

/** When a failed key runs again by itself; undefined: only when something wakes it. */
export interface Decision {
  readonly afterMillis: number | undefined
  /** Whether the failure lengthens the next back-off. */
  readonly counts: boolean
}

export const baseMillis = 200
export const capMillis = 300_000

/**
 * Milliseconds before the next attempt after `failures` failures in a row (1 = the first): exponential from `baseMillis`,
 * capped at `capMillis`, the upper half of it spread by `random` (0 ≤ random < 1) so that keys that failed together do not
 * come back together.
 */
export const backoffMillis = (failures: number, random: number): number => {
  // 2^30 · base is far above the cap already; a larger exponent would only overflow.
  const ceiling = Math.min(capMillis, baseMillis * 2 ** Math.min(Math.max(failures - 1, 0), 30))
  return Math.round(ceiling / 2 + (ceiling / 2) * random)
}

/**
 * `terminal` waits for a change of the object; `outcome-unknown` is retried like any other failure, because the next
 * reconcile looks before it acts; a server that names a time is asked then, spread over a tenth of it.
 */
export const decide = (retry: Retry, failures: number, random: number): Decision => {
  if (retry === "terminal") return { afterMillis: undefined, counts: false }
  if (typeof retry === "object") {
    return { afterMillis: Math.round(Math.max(0, retry.afterMillis) * (1 + random / 10)), counts: false }
  }
  return { afterMillis: backoffMillis(failures, random), counts: true }
}
