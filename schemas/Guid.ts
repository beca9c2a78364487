/** GUIDs from the Random service, so that a seeded run repeats them. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

const hexadecimal = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")

/** A random GUID (RFC 9562 version 4) in lower case. WS-Management writes its ids in upper case. */
export const random: Effect.Effect<string> = Effect.map(Random.Random, (source) => {
  // One effect for all of it: exchanges and reconciles each have one.
  const group = (): number => Math.floor(source.nextDoubleUnsafe() * 0x1_0000)
  const word = (value: number) => hexadecimal(value, 4)
  const head = `${word(group())}${word(group())}-${word(group())}`
  const version = word((group() & 0x0fff) | 0x4000)
  const variant = word((group() & 0x3fff) | 0x8000)
  return `${head}-${version}-${variant}-${word(group())}${word(group())}${word(group())}`
})
