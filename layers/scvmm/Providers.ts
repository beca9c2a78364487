/** The providers that can be dialled right now: written by the provider reconciler, read by everybody else. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

const text = (key: ObjectKey): string => `${key.namespace}/${key.name}`

export class Providers extends Context.Service<
  Providers,
  {
    /** Undefined while the provider is unknown or not usable. */
    readonly get: (key: ObjectKey) => Effect.Effect<ProviderConnection | undefined>
    readonly set: (key: ObjectKey, connection: ProviderConnection) => Effect.Effect<void>
    readonly remove: (key: ObjectKey) => Effect.Effect<void>
  }
>()("capscvmm/layers/Providers") {
  static readonly layer = Layer.effect(
    Providers,
    Effect.gen(function* () {
      const known = yield* Ref.make<ReadonlyMap<string, ProviderConnection>>(new Map())
      return Providers.of({
        get: (key) => Effect.map(Ref.get(known), (map) => map.get(text(key))),
        set: (key, connection) => Ref.update(known, (map) => new Map(map).set(text(key), connection)),
        remove: (key) => Ref.update(known, (map) => new Map([...map].filter(([other]) => other !== text(key))))
      })
    })
  )
}
