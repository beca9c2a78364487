/** Stops log-ons after a refused one, before they lock the account (design D12). */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Monotonic from "../Monotonic.ts"
import type { AuthenticationFailed } from "./ScvmmError.ts"

/** What the circuit tells apart: a change of either version closes it. */
export interface CircuitKey {
  readonly uid: string
  readonly specVersion: string
  readonly credentialVersion: string
}

/** Of log-ons that are stopped, in milliseconds since the epoch. */
export interface Stopped {
  readonly since: number
  /** When one is let through. */
  readonly nextAt: number
}

interface Open extends CircuitKey {
  readonly error: AuthenticationFailed
  /** One attempt is let through from then on. */
  readonly until: number
  readonly millis: number
  /** The same for a person. */
  readonly stopped: Stopped
}

const firstMillis = 30 * 60_000
const longestMillis = 4 * 60 * 60_000

/**
 * Expected flow: `check` before a log-on; `refused` opens the circuit for 30 min, `accepted` closes it. After that time one
 * attempt is let through; refused again it stays open twice as long, at most 4 h.
 *
 * Guarantees: one entry a provider, over all its exec hosts; other versions of spec or Secret are let through at once.
 *
 * Assumptions: log-ons of one key come one after another (the pool dials behind a semaphore). A map of our own rather than
 * effect's CircuitBreaker, whose open time is fixed and which cannot say what it was opened by.
 *
 * Errors: `check` fails with the refusal that opened the circuit.
 */
export interface Circuit {
  readonly check: (key: CircuitKey) => Effect.Effect<void, AuthenticationFailed>
  readonly refused: (key: CircuitKey, error: AuthenticationFailed) => Effect.Effect<void>
  readonly accepted: (key: CircuitKey) => Effect.Effect<void>
  /** Undefined while log-ons of the provider are let through. */
  readonly stopped: (providerUid: string) => Effect.Effect<Stopped | undefined>
  /** Lets the next log-on through at once; false when none was stopped. */
  readonly release: (providerUid: string) => Effect.Effect<boolean>
}

const same = (a: CircuitKey, b: CircuitKey): boolean =>
  a.uid === b.uid && a.specVersion === b.specVersion && a.credentialVersion === b.credentialVersion

export const make: Effect.Effect<Circuit> = Effect.gen(function* () {
  const entries = yield* Ref.make<ReadonlyMap<string, Open>>(new Map())
  return {
    check: Effect.fnUntraced(function* (key) {
      const open = (yield* Ref.get(entries)).get(key.uid)
      if (open === undefined || !same(open, key)) return
      if ((yield* Monotonic.millis) < open.until) return yield* open.error
    }),
    refused: Effect.fnUntraced(function* (key, error) {
      const now = yield* Monotonic.millis
      const today = yield* Clock.currentTimeMillis
      yield* Ref.update(entries, (map) => {
        const known = map.get(key.uid)
        const before = known !== undefined && same(known, key) ? known : undefined
        const millis =
          before === undefined
            ? firstMillis
            : now < before.until
              ? before.millis
              : Math.min(before.millis * 2, longestMillis)
        const { uid, specVersion, credentialVersion } = key
        const stopped = { since: before?.stopped.since ?? today, nextAt: today + millis }
        const until = now + millis
        return new Map(map).set(uid, { uid, specVersion, credentialVersion, error, until, millis, stopped })
      })
    }),
    stopped: (uid) => Effect.map(Ref.get(entries), (map) => map.get(uid)?.stopped),
    release: (uid) =>
      Ref.modify(entries, (map) => {
        const open = map.get(uid)
        return open === undefined ? [false, map] : [true, new Map(map).set(uid, { ...open, until: -Infinity })]
      }),
    accepted: (key) =>
      Ref.update(entries, (map) => {
        const open = map.get(key.uid)
        // A session of older credentials says nothing about the newer ones.
        return open !== undefined && same(open, key) ? new Map([...map].filter(([uid]) => uid !== key.uid)) : map
      })
  }
})
