/** Every object again, long after nothing happened: insurance against a wake-up that was lost. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { keyOf } from "../../schemas/kube/ObjectMeta.ts"
import type { KubeObject } from "../../schemas/kube/Resource.ts"
import * as Priority from "./Priority.ts"
import type { Request } from "./Request.ts"
import { make } from "./Request.ts"
import type { Store } from "./Store.ts"

/** controller-runtime's SyncPeriod. */
const syncPeriod: Duration.Input = "10 hours"

/**
 * ## Guarantees
 * - A pass begins every period ± 10 %, so that controllers and replicas that started together drift apart.
 * - A pass asks for its objects one after another over a fifth of the period, at low priority: never a herd, and behind
 *   whatever somebody does meanwhile. What is deleted before its turn is left out.
 */
export const run = <A extends KubeObject>(
  store: Store<A>,
  add: (request: Request) => Effect.Effect<void>,
  period: Duration.Input = syncPeriod
): Effect.Effect<never> => {
  const millis = Duration.toMillis(Duration.fromInputUnsafe(period))
  const pass = Effect.gen(function* () {
    const keys = store.list().map(keyOf)
    const pace = (millis * 0.2) / Math.max(keys.length, 1)
    for (const key of keys) {
      if (store.get(key) !== undefined) yield* add(make(key, "resync", Priority.low))
      yield* Effect.sleep(pace)
    }
    if (keys.length === 0) yield* Effect.sleep(pace)
  })
  return Effect.gen(function* () {
    while (true) {
      yield* Effect.sleep(millis * (0.7 + 0.2 * (yield* Random.next)))
      yield* pass
    }
  })
}
