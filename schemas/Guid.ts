/** GUIDs from the Random service, so that a seeded run repeats them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const hexadecimal = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

/** A random GUID (RFC 9562 version 4) in lower case. WS-Management writes its ids in upper case. */
export const random: Effect.Effect<string> = Effect.gen(function* () {
  const groups: Array<number> = []
  for (let at = 0; at < 8; at++) groups.push(yield* Random.nextIntBetween(0, 0x1_0000, { halfOpen: true }))
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = groups
  const word = (value: number) => hexadecimal(value, 4)
  const version = word((d & 0x0fff) | 0x4000)
  const variant = word((e & 0x3fff) | 0x8000)
  return `${word(a)}${word(b)}-${word(c)}-${version}-${variant}-${word(f)}${word(g)}${word(h)}`
})
