/** What is known of each provider: judged by the provider reconciler, read by everybody else. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

export type Judgement =
  /** Nobody has looked at it since the operator started; or there is no such provider. */
  | { readonly _tag: "Unjudged" }
  /** The provider's conditions say why. */
  | { readonly _tag: "Unusable" }
  | { readonly _tag: "Usable"; readonly connection: ProviderConnection }

const unjudged: Judgement = { _tag: "Unjudged" }

const text = (key: ObjectKey): string => `${key.namespace}/${key.name}`

/** Of the same provider, made of the same spec and Secret. */
export const sameConnection = (a: ProviderConnection, b: ProviderConnection): boolean =>
  a.uid === b.uid && a.specVersion === b.specVersion && a.credentialVersion === b.credentialVersion

const same = (a: Judgement, b: Judgement): boolean =>
  a._tag === "Usable" && b._tag === "Usable" ? sameConnection(a.connection, b.connection) : a._tag === b._tag

export class Providers extends Context.Service<
  Providers,
  {
    readonly get: (key: ObjectKey) => Effect.Effect<Judgement>
    /** Usable, by this connection. */
    readonly set: (key: ObjectKey, connection: ProviderConnection) => Effect.Effect<void>
    /** Looked at, and not usable. */
    readonly refuse: (key: ObjectKey) => Effect.Effect<void>
    /** The provider is gone. */
    readonly remove: (key: ObjectKey) => Effect.Effect<void>
    /**
     * Keys of providers that were judged otherwise than before: a connection appeared, is made of another spec or Secret, or
     * went away. Whoever comes late first hears of every provider that is judged.
     */
    readonly changes: Stream.Stream<ObjectKey>
  }
>()("capscvmm/layers/Providers") {
  static readonly layer = Layer.effect(
    Providers,
    Effect.gen(function* () {
      const judged = new Map<string, { readonly key: ObjectKey; readonly judgement: Judgement }>()
      const news = yield* PubSub.unbounded<ObjectKey>()
      const judge = (key: ObjectKey, judgement: Judgement) =>
        Effect.suspend(() => {
          const before = judged.get(text(key))?.judgement ?? unjudged
          if (judgement._tag === "Unjudged") judged.delete(text(key))
          else judged.set(text(key), { key, judgement })
          return same(before, judgement) ? Effect.void : Effect.asVoid(PubSub.publish(news, key))
        })
      return Providers.of({
        get: (key) => Effect.sync(() => judged.get(text(key))?.judgement ?? unjudged),
        set: (key, connection) => judge(key, { _tag: "Usable", connection }),
        refuse: (key) => judge(key, { _tag: "Unusable" }),
        remove: (key) => judge(key, unjudged),
        changes: Stream.unwrap(
          Effect.map(PubSub.subscribe(news), (subscription) =>
            Stream.concat(
              Stream.suspend(() => Stream.fromIterable([...judged.values()].map(({ key }) => key))),
              Stream.fromSubscription(subscription)
            )
          )
        )
      })
    })
  )
}
