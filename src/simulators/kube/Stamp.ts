/** What a new object needs from outside: the time and unguessable names, from Effect's services so that runs replay. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

export interface Stamp {
  /** RFC 3339 in whole seconds, as metav1.Time is written. */
  readonly now: string
  readonly millis: number
  readonly uid: () => string
  /** Five characters for generateName. */
  readonly suffix: () => string
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789"

export const timestamp = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/u, "Z")

export const take: Effect.Effect<Stamp> = Effect.gen(function* () {
  const millis = yield* Clock.currentTimeMillis
  const random = yield* Random.Random
  const below = (limit: number): number => Math.floor(random.nextDoubleUnsafe() * limit)
  const hex = (digits: number): string => Array.from({ length: digits }, () => below(16).toString(16)).join("")
  return {
    now: timestamp(millis),
    millis,
    uid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${"89ab".charAt(below(4))}${hex(3)}-${hex(12)}`,
    suffix: () => Array.from({ length: 5 }, () => alphabet.charAt(below(alphabet.length))).join("")
  }
})
