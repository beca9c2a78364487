/** Reads and writes the record of one Lease, each write under the version that it replaces. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { Lease } from "../../schemas/kube/Lease.ts"
import { Lease as LeaseResource } from "../../schemas/kube/Lease.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import * as Patch from "../../schemas/kube/Patch.ts"
import { KubeClient } from "./KubeClient.ts"
import type { KubeError } from "./KubeError.ts"
import type { LeaseRecord } from "./LeaseState.ts"

export interface LeaseLock {
  /** Undefined: there is no such Lease. */
  readonly read: Effect.Effect<LeaseRecord | undefined, KubeError>
  /** Fails with KubeConflict when somebody was first. */
  readonly create: Effect.Effect<LeaseRecord, KubeError>
  /** For another term of ours, or in place of another holder. Fails with KubeConflict when it changed since. */
  readonly take: (over: LeaseRecord) => Effect.Effect<LeaseRecord, KubeError>
  /** Empties the record, so that others need not wait. */
  readonly release: (over: LeaseRecord) => Effect.Effect<LeaseRecord, KubeError>
}

export interface LeaseLockOptions {
  readonly key: ObjectKey
  readonly identity: string
  readonly leaseMillis: number
}

/** metav1.MicroTime. */
const micros = Effect.map(DateTime.now, (now) => DateTime.formatIso(now).replace("Z", "000Z"))

export const make = Effect.fnUntraced(function* ({ key, identity, leaseMillis }: LeaseLockOptions) {
  const kube = yield* KubeClient
  const ours = { holderIdentity: identity, leaseDurationSeconds: Math.ceil(leaseMillis / 1000) }

  const recordOf = ({ metadata, spec }: Lease): LeaseRecord => ({
    holder: spec?.holderIdentity ?? "",
    // Whoever writes no duration is waited for as long as we ask of others.
    lease: (spec?.leaseDurationSeconds ?? ours.leaseDurationSeconds) * 1000,
    transitions: spec?.leaseTransitions ?? 0,
    acquireTime: spec?.acquireTime ?? "",
    renewTime: spec?.renewTime ?? "",
    version: metadata.resourceVersion
  })

  const write = (over: LeaseRecord, spec: { readonly [field: string]: Patch.Json }) =>
    Effect.map(
      kube.patch(LeaseResource, key, Patch.merge({ metadata: { resourceVersion: over.version }, spec })),
      recordOf
    )

  return {
    read: kube.get(LeaseResource, key).pipe(
      Effect.map(recordOf),
      Effect.catchTag("KubeNotFound", () => Effect.succeed(undefined))
    ),
    create: Effect.gen(function* () {
      const now = yield* micros
      const spec = { ...ours, acquireTime: now, renewTime: now, leaseTransitions: 0 }
      return recordOf(yield* kube.create(LeaseResource, key.namespace, { metadata: { name: key.name }, spec }))
    }),
    take: Effect.fnUntraced(function* (over) {
      const now = yield* micros
      const renewed = { ...ours, renewTime: now }
      if (over.holder === identity) return yield* write(over, renewed)
      return yield* write(over, { ...renewed, acquireTime: now, leaseTransitions: over.transitions + 1 })
    }),
    release: Effect.fnUntraced(function* (over) {
      // As client-go leaves it; one second is the least that the API takes.
      const spec = { holderIdentity: "", leaseDurationSeconds: 1, renewTime: yield* micros }
      return yield* write(over, spec)
    })
  } satisfies LeaseLock
})
