import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Guid from "../../schemas/Guid.ts"

it.effect.prop("a seeded run repeats its GUIDs, all of version 4 and different", { seed: Schema.Int }, ({ seed }) =>
  Effect.gen(function* () {
    const some = Effect.forEach([1, 2, 3, 4], () => Guid.random)
    const first = yield* Random.withSeed(some, seed)
    const second = yield* Random.withSeed(some, seed)
    assert.deepStrictEqual(first, second)
    assert.strictEqual(new Set(first).size, 4)
    for (const guid of first)
      assert.match(guid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u)
  })
)
