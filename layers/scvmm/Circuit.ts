/** Stops log-ons after a refused one, before they lock the account (design D12). */
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

interface Open extends CircuitKey {
  readonly error: AuthenticationFailed
  /** One attempt is let through from then on. */
  readonly until: number
  readonly millis: number
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
      yield* Ref.update(entries, (map) => {
        const before = map.get(key.uid)
        const millis =
          before === undefined || !same(before, key)
            ? firstMillis
            : now < before.until
              ? before.millis
              : Math.min(before.millis * 2, longestMillis)
        const { uid, specVersion, credentialVersion } = key
        return new Map(map).set(uid, { uid, specVersion, credentialVersion, error, until: now + millis, millis })
      })
    }),
    accepted: (key) =>
      Ref.update(entries, (map) => {
        const open = map.get(key.uid)
        // A session of older credentials says nothing about the newer ones.
        return open !== undefined && same(open, key) ? new Map([...map].filter(([uid]) => uid !== key.uid)) : map
      })
  }
})
