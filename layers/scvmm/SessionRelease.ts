/** Releases sessions that nobody used for keepAliveSeconds, but for one that is kept warm. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Monotonic from "../Monotonic.ts"
import * as Recycling from "./Recycling.ts"

export interface SessionRelease {
  /** To be told when there is an idle session again: until then nothing is looked at. */
  readonly wake: () => void
  readonly keepWarm: (warm: boolean) => Effect.Effect<void>
}

/** Until the scope ends. `idle`: the longest idle first; `release` takes away so many of the first. */
export const make = Effect.fnUntraced(function* (
  idle: ReadonlyArray<Recycling.Idle>,
  keepAliveMillis: number,
  release: (count: number) => Effect.Effect<void>
): Effect.fn.Return<SessionRelease, never, Scope.Scope> {
  const wake = Latch.makeUnsafe()
  let warm = false
  let warmUntil = -Infinity
  const loop = Effect.gen(function* () {
    for (;;) {
      wake.closeUnsafe()
      const now = yield* Monotonic.millis
      const { count, nextAt } = Recycling.release(idle, { now, keepAliveMillis, warm, warmUntil })
      yield* release(count)
      yield* nextAt === undefined ? wake.await : Effect.raceFirst(Effect.sleep(nextAt - now), wake.await)
    }
  })
  yield* Effect.forkScoped(loop)
  return {
    wake: () => void wake.openUnsafe(),
    keepWarm: (on) =>
      Effect.map(Monotonic.millis, (now) => {
        if (warm && !on) warmUntil = now
        warm = on
        wake.openUnsafe()
      })
  }
})
