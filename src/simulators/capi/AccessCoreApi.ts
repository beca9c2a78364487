/** CoreApi over Access: a refused request is logged and is no answer, so that the next pass repairs. */
import * as Effect from "effect/Effect"
import type { Access, AccessError } from "../kube/Access.ts"
import { apiVersion, type CoreApi, type Kind } from "./CoreApi.ts"

const told = (error: AccessError) => Effect.logDebug("simulated Cluster API core: a request was refused", error.message)

export const make = (access: Access): CoreApi => {
  const quiet = <A>(effect: Effect.Effect<A, AccessError>): Effect.Effect<A | undefined> =>
    effect.pipe(Effect.catch((error) => Effect.as(told(error), undefined)))
  return {
    get: (kind, namespace, name) => quiet(access.find(kind, namespace, name)),
    list: (kind: Kind) => Effect.map(quiet(access.list(kind, "")), (listing) => listing?.items ?? []),
    create: (kind, namespace, object) =>
      quiet(access.create(kind, namespace, { apiVersion: apiVersion(kind), kind: kind.kind, ...object })),
    patch: (kind, namespace, name, patch, subresource) =>
      Effect.asVoid(quiet(access.mergePatch(kind, namespace, name, patch, subresource))),
    remove: (kind, namespace, name) => Effect.asVoid(quiet(access.delete(kind, namespace, name)))
  }
}
