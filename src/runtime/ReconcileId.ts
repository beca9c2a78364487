/** The id that all log lines of one reconcile share, as controller-runtime's reconcileID: a random UUID. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/** RFC 9562 version 4 over 16 bytes: names one run in logs, guards nothing. */
export const fromBytes = (bytes: ReadonlyArray<number>): string => {
  const hex = bytes
    .map((byte, index) => (index === 6 ? (byte & 0x0f) | 0x40 : index === 8 ? (byte & 0x3f) | 0x80 : byte))
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("")
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
}

export const make: Effect.Effect<string> = Effect.map(
  Effect.replicateEffect(Random.nextIntBetween(0, 255), 16),
  fromBytes
)
