/** Writes what differs of an object's status, and nothing when nothing does (contract rule 114). */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { KubeClient } from "../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../layers/kube/KubeError.ts"
import type { Finding } from "../../schemas/kube/Condition.ts"
import { Condition, merge } from "../../schemas/kube/Condition.ts"
import { keyOf } from "../../schemas/kube/ObjectMeta.ts"
import type { Json } from "../../schemas/kube/Patch.ts"
import * as Patch from "../../schemas/kube/Patch.ts"
import type { KubeObject, StatusResource } from "../../schemas/kube/Resource.ts"
import * as MergeDiff from "./MergeDiff.ts"

type JsonObject = { readonly [key: string]: Json }

export interface Desired {
  /** status.<field>, each whole; undefined removes. Fields that are not named stay as they are. */
  readonly fields?: { readonly [field: string]: Json | undefined }
  /** Conditions that this reconcile has something to say of; others stay. */
  readonly findings?: ReadonlyArray<Finding>
}

const decodeConditions = Schema.decodeUnknownOption(Schema.Array(Condition))

/**
 * The merge patch of `status` from what is stored to what is desired, undefined when nothing differs. The conditions are a list,
 * which a merge patch replaces whole: those of others are in it, mended to metav1's shape. `now` is RFC 3339.
 */
export const patchOf = (
  stored: JsonObject,
  desired: Desired,
  now: string,
  generation: number | undefined
): JsonObject | undefined => {
  const wishes = new Map(Object.entries(desired.fields ?? {}))
  if (desired.findings !== undefined && desired.findings.length > 0) {
    // Of several findings of one type the last is meant; merged one by one they would look like transitions each time.
    const findings = [...new Map(desired.findings.map((finding) => [finding.type, finding])).values()]
    const conditions = Option.getOrElse(decodeConditions(stored["conditions"] ?? []), () => [])
    wishes.set(
      "conditions",
      merge(conditions, findings, now, generation).map((condition): Json => ({ ...condition }))
    )
  }
  const entries = [...wishes].flatMap(([field, value]) => {
    const patch = MergeDiff.diff(Object.hasOwn(stored, field) ? stored[field] : undefined, value)
    return patch === undefined ? [] : [[field, patch] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

type WithStatus = KubeObject & { readonly status?: unknown }

/** The status as it is stored, in as far as our schema knows it. */
const storedStatus = <A extends WithStatus>(resource: StatusResource<A>, { status }: A): Effect.Effect<JsonObject> =>
  status === undefined || status === null
    ? Effect.succeed({})
    : Schema.encodeEffect(resource.statusSchema)(status).pipe(
        // What was decoded by this codec is encoded by it.
        Effect.orDie,
        // The codec's encoded side is what JSON.parse gave.
        Effect.map((encoded) => encoded as JsonObject)
      )

/** metav1.Time: whole seconds, UTC. */
const seconds = (now: DateTime.DateTime): string => `${DateTime.formatIso(now).slice(0, 19)}Z`

/**
 * Brings the status subresource to what is desired. Returns whether it had to write.
 *
 * ## Guarantees
 * - Only differing members are in the patch, under the object's resourceVersion.
 * - lastTransitionTime moves with a condition's status alone, so that the same findings write nothing.
 *
 * ## Errors
 * KubeConflict when the object changed since `object` was read; otherwise those of KubeClient.patch.
 */
export const write = Effect.fn("Status.write")(function* <A extends WithStatus>(
  resource: StatusResource<A>,
  object: A,
  desired: Desired
): Effect.fn.Return<boolean, KubeError, KubeClient> {
  const stored = yield* storedStatus(resource, object)
  const now = seconds(yield* DateTime.now)
  const status = patchOf(stored, desired, now, object.metadata.generation)
  if (status === undefined) return false
  const client = yield* KubeClient
  const body: Json = { metadata: { resourceVersion: object.metadata.resourceVersion }, status }
  yield* client.patch(resource, keyOf(object), Patch.merge(body), { subresource: "status" })
  return true
})
