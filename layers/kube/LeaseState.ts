/** What one candidate knows of a lease, and what follows from it: pure, after client-go's tools/leaderelection. */

/** All in milliseconds. `lease` > `renew` > 1.2 · `retry`, which `timingProblem` checks. */
export interface Timing {
  /** What others wait, since they last saw the record change, before they take it. */
  readonly lease: number
  /** How long a leader goes on after the start of its last successful renewal. */
  readonly renew: number
  /** Between two renewals, and between two looks of a candidate, which adds up to `jitter` times as much. */
  readonly retry: number
}

export const jitter = 1.2

/** Why the times cannot be used together, in the words of client-go's NewLeaderElector. */
export const timingProblem = ({ lease, renew, retry }: Timing): string | undefined => {
  if (!(retry > 0)) return "the retry period must be greater than zero"
  if (!(renew > retry * jitter)) return `the renew deadline must be greater than ${jitter} retry periods`
  return lease > renew ? undefined : "the lease duration must be greater than the renew deadline"
}

/** The record in the Lease, in as far as it decides. */
export interface LeaseRecord {
  /** "" when nobody holds it. */
  readonly holder: string
  /** What its holder promised when it wrote it. */
  readonly lease: number
  readonly transitions: number
  readonly acquireTime: string
  /** Changes with each renewal; by its holder's clock. */
  readonly renewTime: string
  /** metadata.resourceVersion: writes name it, so that of two candidates who saw the same record one is refused. */
  readonly version: string
}

/** The record was seen, and since when it is as it is, by our own clock. */
interface Sight {
  readonly record: LeaseRecord
  readonly since: number
}

export interface LeaseState {
  readonly identity: string
  readonly timing: Timing
  /** The last record that was seen. */
  readonly seen: Sight | undefined
  /**
   * Whether `seen` is what is there: a candidate's look counts at once only, and after a write that did not succeed `version`
   * may be old, or the write have happened after all.
   */
  readonly known: "unread" | "absent" | "present"
  /** Until when this process may act; undefined until its first success. */
  readonly heldUntil: number | undefined
}

export const begin = (identity: string, timing: Timing): LeaseState => ({
  identity,
  timing,
  seen: undefined,
  known: "unread",
  heldUntil: undefined
})

export type Step =
  /** Look at the record. */
  | { readonly _tag: "Read" }
  /** There is none. */
  | { readonly _tag: "Create" }
  /** Write our name into it: for another term, or over somebody's that ended. */
  | { readonly _tag: "Renew" | "Acquire"; readonly over: LeaseRecord }
  /** Somebody else's, at least until then. */
  | { readonly _tag: "Wait"; readonly until: number; readonly holder: string }
  /** Never to act again. */
  | { readonly _tag: "Lost"; readonly detail: string }

/**
 * ## Expected flow
 * Read → Create or Acquire, at once or after Wait → Renew, again and again. Each step's outcome goes into `saw`, `wrote` or
 * `lookAgain` (also after a Wait), and the next step is asked for.
 *
 * ## Guarantees
 * Two candidates are never both within their `heldUntil` at one instant: a term counts from before its write left, others
 * wait from after they saw it, and longer.
 *
 * ## Assumptions
 * No clock runs faster than another by more than `lease` / `renew`; what the clocks show does not matter (times in the record
 * are never compared with ours). Nobody but candidates writes the record, and nobody deletes it while somebody leads who no
 * other candidate has seen.
 */
export const step = (state: LeaseState, now: number): Step => {
  const { heldUntil, identity, known, seen } = state
  const leading = heldUntil !== undefined
  if (leading && now >= heldUntil) {
    const seconds = state.timing.renew / 1000
    return { _tag: "Lost", detail: `no renewal for ${seconds} s` }
  }
  if (known === "unread") return { _tag: "Read" }
  const mine = known === "present" && seen?.record.holder === identity
  if (leading && !mine) {
    const detail = known === "absent" ? "the Lease was deleted" : `taken by "${seen?.record.holder ?? ""}"`
    return { _tag: "Lost", detail }
  }
  if (seen === undefined) return { _tag: "Create" }
  const { record, since } = seen
  if (mine) return { _tag: "Renew", over: record }
  const until = since + record.lease
  // Also when it has been deleted since: its holder may not know yet.
  if (record.holder !== "" && record.holder !== identity && now < until) {
    return { _tag: "Wait", until, holder: record.holder }
  }
  return known === "absent" ? { _tag: "Create" } : { _tag: "Acquire", over: record }
}

/** Whether a holder wrote in between; what others do to the object, labels for example, is no renewal. */
const renewed = (before: LeaseRecord, after: LeaseRecord): boolean =>
  before.holder !== after.holder ||
  before.lease !== after.lease ||
  before.transitions !== after.transitions ||
  before.acquireTime !== after.acquireTime ||
  before.renewTime !== after.renewTime

/** The record as it was read at `now`; undefined: there is none. A record that is seen again keeps its time. */
export const saw = (state: LeaseState, record: LeaseRecord | undefined, now: number): LeaseState => {
  if (record === undefined) return { ...state, known: "absent" }
  const since = state.seen === undefined || renewed(state.seen.record, record) ? now : state.seen.since
  return { ...state, known: "present", seen: { record, since } }
}

/**
 * Our write that left at `started` was answered with this record at `now`. An answer of the version that we wrote over changed
 * nothing (a wall clock that stands still makes the same record again): others saw no renewal, so it is none. One that came
 * after the term that it began is no success either; and a term that has ended is never prolonged.
 */
export const wrote = (state: LeaseState, record: LeaseRecord, started: number, now: number): LeaseState => {
  if (state.known === "present" && state.seen?.record.version === record.version) return lookAgain(state)
  const until = started + state.timing.renew
  const ended = now >= (state.heldUntil ?? until)
  return { ...state, known: "present", seen: { record, since: now }, heldUntil: ended ? state.heldUntil : until }
}

/** Time has passed since the last look, or a read or a write came to nobody knows what: look before anything else. */
export const lookAgain = (state: LeaseState): LeaseState => ({ ...state, known: "unread" })

/** Stops leading for good, before the record is given up. */
export const resign = (state: LeaseState): LeaseState => ({ ...state, heldUntil: Number.NEGATIVE_INFINITY })

export const isLeading = ({ heldUntil }: LeaseState, now: number): boolean => heldUntil !== undefined && now < heldUntil
