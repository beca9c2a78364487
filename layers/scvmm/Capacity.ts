/** How many sessions of a provider may be in use at a time: fewer while its exec hosts refuse more of them (design D17). */
import * as Effect from "effect/Effect"
import * as Monotonic from "../Monotonic.ts"
import type { HostUnavailable } from "./ScvmmError.ts"

/**
 * Expected flow: `check` before a dial; one that a quota refuses is told by `refused`, one that succeeds by `accepted`.
 *
 * Guarantees: after a refusal no dial for 30 s, doubled with each further one to at most 10 min. Meanwhile there are as many
 * places as there are sessions, so that who finds none waits for one; with a single one nobody waits, since a call that blocks
 * would keep all others waiting for as long as it takes.
 *
 * Errors: `check` fails with the last refusal.
 */
export interface Capacity {
  readonly check: (open: number) => Effect.Effect<void, HostUnavailable>
  readonly refused: (open: number, error: HostUnavailable) => Effect.Effect<void>
  readonly accepted: Effect.Effect<void>
  /** Places come back when the time is over, noticed by whoever comes next. */
  readonly reopened: Effect.Effect<void>
  /** Sessions that may be in use now; at least two. */
  readonly places: () => number
  /** The refusal because of which there are fewer places than there might be. */
  readonly refusal: () => HostUnavailable | undefined
  /** Whether there is to be no second session for now. */
  readonly single: () => boolean
}

interface Closed {
  readonly error: HostUnavailable
  /** A dial is tried again from then on. */
  readonly until: number
  readonly millis: number
  readonly limit: number
  readonly over: boolean
}

const firstMillis = 30_000
const longestMillis = 10 * 60_000

/** `most`: sessions when nobody refuses any; at least two. */
export const make = (most: number): Capacity => {
  /** Kept when its time is over, until a dial succeeds: the next refusal counts from it. */
  let closed: Closed | undefined
  const shut = () => (closed === undefined || closed.over ? undefined : closed)

  const reopened = Effect.map(Monotonic.millis, (now) => {
    if (closed !== undefined && now >= closed.until) closed = { ...closed, over: true }
  })

  return {
    check: Effect.fnUntraced(function* (open): Effect.fn.Return<void, HostUnavailable> {
      yield* reopened
      if (closed === undefined || closed.over) return
      if (open < closed.limit) closed = { ...closed, limit: open }
      return yield* closed.error
    }),
    refused: Effect.fnUntraced(function* (open, error): Effect.fn.Return<void> {
      const now = yield* Monotonic.millis
      const millis = closed === undefined ? firstMillis : Math.min(2 * closed.millis, longestMillis)
      closed = { error, until: now + millis, millis, limit: open, over: false }
    }),
    accepted: Effect.sync(() => {
      closed = undefined
    }),
    reopened,
    places: () => {
      const limit = shut()?.limit ?? most
      return limit < 2 ? most : Math.min(most, limit)
    },
    refusal: () => closed?.error,
    single: () => (shut()?.limit ?? most) < 2
  }
}
