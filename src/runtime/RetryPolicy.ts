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

/**
 * client-go's limiter of one item goes from 5 ms to 1000 s. Ours starts later, because an attempt costs WinRM exchanges of 100
 * to 300 ms: six retries within a third of a second would only queue up behind each other. And it ends earlier: an SCVMM that is
 * back after an outage is used within five minutes, not 17. There is no bucket over all keys, as client-go's of 10 a second: what
 * a controller may do at once is bounded by its workers, what reaches SCVMM by the session pool.
 */
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
