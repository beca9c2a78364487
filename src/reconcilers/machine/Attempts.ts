/** When a machine's failed creation or seeding may be tried again: the queue's own backoff ends with each attempt that starts. */
import * as Effect from "effect/Effect"
import * as Monotonic from "../../../layers/Monotonic.ts"

export interface Attempts {
  /** Milliseconds until the next attempt may start; 0 now. `version` (a generation) that changed forgets failures. */
  readonly remaining: (key: string, version: number) => Effect.Effect<number>
  /** Answers how many there were of that version. */
  readonly failed: (key: string, version: number) => Effect.Effect<number>
  /** How many failed since one succeeded or the version changed. */
  readonly failures: (key: string, version: number) => number
  readonly succeeded: (key: string) => Effect.Effect<void>
}

const base = 5_000
const cap = 600_000

/** 5 s, doubled with every failure, 10 min at most. */
export const delayOf = (failures: number): number => Math.min(cap, base * 2 ** Math.min(failures - 1, 10))

interface Entry {
  readonly version: number
  readonly failures: number
  readonly notBefore: number
}

/** This process's memory alone: after a restart one attempt is free. */
export const make = (): Attempts => {
  const entries = new Map<string, Entry>()
  return {
    remaining: (key, version) =>
      Effect.map(Monotonic.millis, (now) => {
        const entry = entries.get(key)
        return entry === undefined || entry.version !== version ? 0 : Math.max(0, Math.ceil(entry.notBefore - now))
      }),
    failed: (key, version) =>
      Effect.map(Monotonic.millis, (now) => {
        const old = entries.get(key)
        const failures = old?.version === version ? old.failures + 1 : 1
        entries.set(key, { version, failures, notBefore: now + delayOf(failures) })
        return failures
      }),
    failures: (key, version) => {
      const entry = entries.get(key)
      return entry?.version === version ? entry.failures : 0
    },
    succeeded: (key) => Effect.sync(() => void entries.delete(key))
  }
}
