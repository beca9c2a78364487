/** When a provider is polled next, and for what (design D10): pure. */
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import type { Sightings } from "./Sightings.ts"

export interface Pacing {
  readonly transitionMillis: number
  readonly restMillis: number
  /** Above so many VMs in transition one list is cheaper than a call that takes them one by one. */
  readonly mostIds: number
}

export const pacing: Pacing = { transitionMillis: 5000, restMillis: 120_000, mostIds: 15 }

/** Longest wait between attempts while VMM does not answer. */
const longestBackoffMillis = 120_000

/** What is known of earlier polls; times are of the monotonic clock. */
export interface History {
  /** End of the last poll of any kind. */
  readonly pollEnded: number
  readonly sweepStarted: number
  readonly sweepMillis: number
  /** Polls that failed since one succeeded. */
  readonly failures: number
}

/** The history of a provider that is followed from now on: its VMs have just been read. */
export const begin = (now: number): History => ({ pollEnded: now, sweepStarted: now, sweepMillis: 0, failures: 0 })

/** After a poll that lasted from `started` to `ended`. */
export const after = (
  history: History,
  poll: Poll,
  { started, ended, failed }: { readonly started: number; readonly ended: number; readonly failed: boolean }
): History => ({
  pollEnded: ended,
  sweepStarted: poll._tag === "Sweep" && !failed ? started : history.sweepStarted,
  sweepMillis: poll._tag === "Sweep" && !failed ? ended - started : history.sweepMillis,
  failures: failed ? history.failures + 1 : 0
})

export type Poll = { readonly _tag: "Ids"; readonly ids: ReadonlyArray<string> } | { readonly _tag: "Sweep" }

/** `at` is a time of the monotonic clock, perhaps a past one; undefined when nothing is followed. */
export interface Plan {
  readonly at: number
  readonly poll: Poll
}

/**
 * VMs in transition are asked for by id, one period after the end of the last poll; VMs at rest by a sweep, which is due a
 * rest period after the last one began, and never before four times its duration have passed. While polls fail the wait
 * doubles.
 */
export const plan = (sightings: Sightings, history: History, pace: Pacing = pacing): Plan | undefined => {
  const moving = HashSet.size(sightings.moving)
  const resting = HashMap.size(sightings.followed) > moving
  const backoff =
    history.failures === 0
      ? 0
      : Math.min(pace.transitionMillis * 2 ** Math.min(history.failures, 16), longestBackoffMillis)
  const earliest = history.pollEnded + backoff
  const spaced = history.sweepStarted + 4 * history.sweepMillis
  const sweep: Plan | undefined = resting
    ? { at: Math.max(history.sweepStarted + pace.restMillis, spaced, earliest), poll: { _tag: "Sweep" } }
    : undefined
  if (moving === 0) return sweep
  const crowd = moving > pace.mostIds
  const transition: Plan = {
    at: Math.max(history.pollEnded + pace.transitionMillis, earliest, crowd ? spaced : 0),
    poll: crowd ? { _tag: "Sweep" } : { _tag: "Ids", ids: [...sightings.moving] }
  }
  return sweep !== undefined && sweep.at <= transition.at ? sweep : transition
}
