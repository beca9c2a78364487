/** Durations as Go's flags take them ("15s", "1m30s", "500ms"), and plain numbers of seconds. */
import * as Duration from "effect/Duration"

const millis: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }
const whole = /^(?:\d+(?:\.\d+)?(?:h|ms|m|s))+$/u
const parts = /(\d+(?:\.\d+)?)(h|ms|m|s)/gu
const plain = /^\d+(?:\.\d+)?$/u

/** Undefined for anything else. */
export const parse = (text: string): Duration.Duration | undefined => {
  if (plain.test(text)) return Duration.seconds(Number(text))
  if (!whole.test(text)) return undefined
  const sum = [...text.matchAll(parts)].reduce((total, [, count, unit]) => {
    return total + Number(count) * (millis[unit ?? ""] ?? 0)
  }, 0)
  return Duration.millis(sum)
}
