/** How many sessions of a provider may be in use at a time: fewer while its exec hosts refuse more of them (design D17). */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Monotonic from "../Monotonic.ts"
import type { HostUnavailable } from "./ScvmmError.ts"

/**
 * Expected flow: `check` before a dial; one that a quota refuses is told by `refused`, one that succeeds by `accepted`.
 * `within` gives a place to use a session.
 *
 * Guarantees: after a refusal no dial for 30 s, doubled with each further one to at most 10 min. Meanwhile there are as many
 * places as there are sessions, so that who finds none waits for one; with fewer than two sessions nobody waits, since a call
 * that blocks would keep all others waiting for as long as it takes. `blocking` calls have one place less than there are.
 *
 * Errors: `check` fails with the last refusal, and so does a read that finds no place for half a minute.
 */
export interface Capacity {
  readonly check: (open: number) => Effect.Effect<void, HostUnavailable>
  readonly refused: (open: number, error: HostUnavailable) => Effect.Effect<void>
  readonly accepted: Effect.Effect<void>
  readonly within: (
    kind: "read" | "blocking"
  ) => <A, E, R>(use: Effect.Effect<A, E, R>) => Effect.Effect<A, E | HostUnavailable, R>
  /** Whether it is worth waiting for a session that is in use. */
  readonly shrunk: () => boolean
}

interface Closed {
  readonly error: HostUnavailable
  /** A dial is tried again from then on. */
  readonly until: number
  readonly millis: number
  readonly limit: number
}

const firstMillis = 30_000
const longestMillis = 10 * 60_000
const leastToWaitFor = 2
/** Calls that block may have taken all places before there were fewer. */
const patience = "30 seconds"

/** `most`: sessions when nobody refuses any; at least two. */
export const make = (most: number): Effect.Effect<Capacity> =>
  Effect.gen(function* (): Effect.fn.Return<Capacity> {
    const places = yield* Semaphore.make(most)
    const blocking = yield* Semaphore.make(most - 1)
    let closed: Closed | undefined

    const resize = (limit: number): Effect.Effect<void> => {
      const size = limit < leastToWaitFor ? most : limit
      return Effect.andThen(places.resize(size), blocking.resize(size - 1))
    }
    const close = (next: Closed): Effect.Effect<void> =>
      Effect.suspend(() => {
        closed = next
        return resize(next.limit)
      })
    const current = Effect.map(Monotonic.millis, (now) =>
      closed !== undefined && now < closed.until ? closed : undefined
    )
    /** Places come back when the time is over, noticed by whoever comes next. */
    const reopened = Effect.flatMap(current, (still) =>
      closed !== undefined && still === undefined ? resize(most) : Effect.void
    )

    const impatiently = <A, E, R>(use: Effect.Effect<A, E, R>): Effect.Effect<A, E | HostUnavailable, R> =>
      Effect.suspend((): Effect.Effect<A, E | HostUnavailable, R> => {
        if (closed === undefined) return places.withPermit(use)
        const { error } = closed
        let entered = false
        const placed = places.withPermit(
          Effect.suspend(() => {
            entered = true
            return use
          })
        )
        const impatience = Effect.suspend(() => (entered ? Effect.never : Effect.fail(error)))
        return Effect.raceFirst(placed, Effect.delay(impatience, patience))
      })

    return {
      check: Effect.fnUntraced(function* (open): Effect.fn.Return<void, HostUnavailable> {
        const still = yield* current
        if (still === undefined) return
        if (open < still.limit) yield* close({ ...still, limit: open })
        return yield* still.error
      }),
      refused: Effect.fnUntraced(function* (open, error): Effect.fn.Return<void> {
        const now = yield* Monotonic.millis
        const millis = closed === undefined ? firstMillis : Math.min(2 * closed.millis, longestMillis)
        yield* close({ error, until: now + millis, millis, limit: open })
      }),
      accepted: Effect.suspend(() => {
        closed = undefined
        return resize(most)
      }),
      within: (kind) => (use) => {
        const place = kind === "blocking" ? blocking.withPermit(places.withPermit(use)) : impatiently(use)
        return Effect.andThen(reopened, place)
      },
      shrunk: () => closed !== undefined && closed.limit >= leastToWaitFor
    }
  })
