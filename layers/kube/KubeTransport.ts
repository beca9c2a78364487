/** The connections to one API server, made anew when certificates change. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClient from "effect/http/HttpClient"
import * as Scope from "effect/Scope"
import type { Dial, Tls } from "../Dial.ts"
import { sameTls } from "./KubeCredentials.ts"
import { longestWatch } from "./KubeWatch.ts"

/**
 * The client for those certificates. When they differ from those of the last call, new requests go over new connections
 * at once; what is under way on the old ones, watches included, has the time to end by itself.
 */
export const make = Effect.fnUntraced(function* (dial: Dial["Service"], origin: string) {
  const home = yield* Effect.scope
  let current:
    | { readonly tls: Tls; readonly client: HttpClient.HttpClient; readonly scope: Scope.Closeable }
    | undefined

  return (tls: Tls): Effect.Effect<HttpClient.HttpClient> =>
    Effect.gen(function* () {
      if (current !== undefined && sameTls(tls, current.tls)) return current.client
      const old = current
      const scope = yield* Scope.fork(home)
      const client = yield* Scope.provide(dial.client({ origin, tls }), scope)
      current = { tls, client, scope }
      if (old !== undefined) {
        yield* Effect.sleep(longestWatch).pipe(Effect.andThen(Scope.close(old.scope, Exit.void)), Effect.forkIn(home))
      }
      return client
    })
})
