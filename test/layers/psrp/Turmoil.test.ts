/** Lives of a runspace pool under disturbances by chance: what a call says of itself is true, and nothing is left behind. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { seed } from "../../harness/Chance.ts"
import { life } from "./Turmoil.ts"

/** TURMOIL_LIVES: how many; TURMOIL_FIRST: from which of the seed on, to see one again. */
const lives = Number(process.env["TURMOIL_LIVES"] ?? "50")
const first = Number(process.env["TURMOIL_FIRST"] ?? "0")

describe("a runspace pool in turmoil", () => {
  it.effect(
    "tells the truth of every call, and leaves nothing behind",
    () =>
      Effect.gen(function* () {
        const found: Array<string> = []
        for (let nth = first; nth < first + lives; nth++)
          for (const what of yield* life(`${seed} ${nth}`)) found.push(`life ${seed} ${nth}: ${what}`)
        assert.deepStrictEqual(found, [])
      }),
    1_000_000
  )
})
