/** Time that never jumps, for delays and durations: the wall clock is set back and forth while an operator runs. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** Milliseconds since some moment, with fractions. What is stored, and read by another process, is of the Clock. */
export const millis: Effect.Effect<number> = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1_000_000)
