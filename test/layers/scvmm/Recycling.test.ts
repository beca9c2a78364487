/** When sessions are replaced and released. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Recycling from "../../../layers/scvmm/Recycling.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 }))
const Seconds = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))
const Ages = Schema.Array(Seconds).check(Schema.isMaxLength(8))

describe("Recycling", () => {
  it.effect.prop(
    "replaces a session at its limits, and never a fresh one",
    { calls: Count, megabytes: Schema.Union([Schema.Undefined, Count]) },
    ({ calls, megabytes }) =>
      Effect.sync(() => {
        const memoryUsedBytes = megabytes === undefined ? undefined : megabytes * 1024 * 1024
        const reason = Recycling.reasonToReplace({ calls, memoryUsedBytes })
        assert.strictEqual(reason !== undefined, calls >= 500 || (megabytes !== undefined && megabytes > 768))
      })
  )

  it.effect.prop("looks at most once in so many calls", { calls: Count }, ({ calls }) =>
    Effect.sync(() => {
      let lookedAt = 0
      let looks = 0
      for (let call = 1; call <= calls; call++)
        if (Recycling.looks(call, lookedAt)) {
          lookedAt = call
          looks += 1
        }
      assert.strictEqual(looks, Math.floor(calls / Recycling.callsPerLook))
    })
  )

  it.effect.prop(
    "releases what was idle for as long as sessions are kept; of a warm pool all but the last",
    { ages: Ages, keepAlive: Seconds, warm: Schema.Boolean, sinceWarm: Seconds },
    ({ ages, keepAlive, warm, sinceWarm }) =>
      Effect.sync(() => {
        const now = 1_000_000
        const idle = ages.toSorted((a, b) => b - a).map((age) => ({ since: now - age * 1000 }))
        const keeping = { now, keepAliveMillis: keepAlive * 1000, warm, warmUntil: now - sinceWarm * 1000 }
        const { count, nextAt } = Recycling.release(idle, keeping)
        const kept = idle.slice(count)
        for (const [index, { since }] of idle.entries()) {
          const last = index === idle.length - 1
          const age = now - (last ? Math.max(since, keeping.warmUntil) : since)
          assert.strictEqual(index < count, age >= keeping.keepAliveMillis && !(last && warm))
        }
        // It is asked again in time, and not before.
        const [first] = kept
        if (first === undefined) assert.isUndefined(nextAt)
        else if (nextAt !== undefined) {
          assert.isAbove(nextAt, now)
          assert.strictEqual(Recycling.release(kept, { ...keeping, now: nextAt - 1 }).count, 0)
          assert.isAtLeast(Recycling.release(kept, { ...keeping, now: nextAt }).count, 1)
        } else assert.isTrue(warm && kept.length === 1)
      })
  )
})
