/** Adds and removes one finalizer of an object, guarded so that nobody else's is ever touched. */
import * as Effect from "effect/Effect"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../layers/kube/KubeError.ts"
import { Conflict } from "../../layers/kube/KubeError.ts"
import { keyOf } from "../../schemas/kube/ObjectMeta.ts"
import type { Operation } from "../../schemas/kube/Patch.ts"
import { json } from "../../schemas/kube/Patch.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"

/**
 * The operations that add `name`; none when it is there. The list is written whole, under the object's resourceVersion, because
 * a JSON patch cannot append to a list that may not exist.
 */
export const addOperations = ({ metadata }: KubeObject, name: string): ReadonlyArray<Operation> => {
  const finalizers = metadata.finalizers ?? []
  return finalizers.includes(name)
    ? []
    : [
        { op: "test", path: "/metadata/uid", value: metadata.uid },
        { op: "test", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
        { op: "add", path: "/metadata/finalizers", value: [...finalizers, name] }
      ]
}

/** The operations that remove `name`, wherever our copy has it; none when it is not there. */
export const removeOperations = ({ metadata }: KubeObject, name: string): ReadonlyArray<Operation> => {
  const index = (metadata.finalizers ?? []).indexOf(name)
  const path = `/metadata/finalizers/${index}`
  return index < 0
    ? []
    : [
        { op: "test", path: "/metadata/uid", value: metadata.uid },
        { op: "test", path, value: name },
        { op: "remove", path }
      ]
}

/** A patch whose `test` fails is 422 without causes (a rejected object has causes): our copy was old, which is a conflict. */
const asConflict = (error: KubeError): KubeError =>
  error._tag === "KubeInvalid" && error.causes.length === 0
    ? new Conflict({ method: error.method, path: error.path, detail: error.detail, reason: "Conflict" })
    : error

/**
 * ## Expected flow
 * 1. A reconcile of an object that is not being deleted calls `add` before its first side effect, and goes on with the object
 *    that it returns.
 * 2. The object is deleted: the API server sets deletionTimestamp and keeps it.
 * 3. Reconciles clean up, over as many runs as it takes.
 * 4. The one that finds nothing left calls `remove`; the API server lets the object go when no finalizer is left.
 *
 * ## Guarantees
 * - No side effect without the finalizer stored before it.
 * - Finalizers of others stay, in their order, whatever they do meanwhile: every patch tests what it replaces or removes, and the
 *   uid, so that an object made again under the same name is not meant.
 *
 * ## Assumptions
 * `object` comes from a Store or from an answer of the API server, not made up.
 *
 * ## Errors
 * KubeConflict when our copy is old: the next reconcile has a newer one. KubeForbidden when the object is being deleted already
 * (the API server refuses new finalizers then). Otherwise those of KubeClient.patch.
 */
export const add = Effect.fn("Finalizer.add")(function* <A extends KubeObject>(
  resource: Resource<A>,
  object: A,
  name: string
): Effect.fn.Return<A, KubeError, KubeClient> {
  const operations = addOperations(object, name)
  if (operations.length === 0) return object
  const client = yield* KubeClient
  return yield* client.patch(resource, keyOf(object), json(operations)).pipe(Effect.mapError(asConflict))
})

/** As `add`, the other way round; an object that is gone (404) is what was wanted. */
export const remove = Effect.fn("Finalizer.remove")(function* <A extends KubeObject>(
  resource: Resource<A>,
  object: A,
  name: string
): Effect.fn.Return<void, KubeError, KubeClient> {
  const operations = removeOperations(object, name)
  if (operations.length === 0) return
  const client = yield* KubeClient
  yield* client.patch(resource, keyOf(object), json(operations)).pipe(
    Effect.asVoid,
    Effect.mapError(asConflict),
    Effect.catchTag("KubeNotFound", () => Effect.void)
  )
})
