/** coordination.k8s.io/v1 Lease: who leads, as client-go and its successors write it. */
import * as Schema from "effect/Schema"
import { ObjectMeta } from "./ObjectMeta.ts"
import type { Resource } from "./Resource.ts"

const LeaseSchema = Schema.Struct({
  metadata: ObjectMeta,
  spec: Schema.optionalKey(
    Schema.Struct({
      /** Absent or "": nobody holds it. */
      holderIdentity: Schema.optionalKey(Schema.NullOr(Schema.String)),
      leaseDurationSeconds: Schema.optionalKey(Schema.NullOr(Schema.Int)),
      /** metav1.MicroTime, by the holder's clock: for people, nothing is decided by it. */
      acquireTime: Schema.optionalKey(Schema.NullOr(Schema.String)),
      renewTime: Schema.optionalKey(Schema.NullOr(Schema.String)),
      /** How often it changed hands. */
      leaseTransitions: Schema.optionalKey(Schema.NullOr(Schema.Int))
    })
  )
})
export type Lease = typeof LeaseSchema.Type

export const Lease: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  kind: "Lease",
  plural: "leases",
  namespaced: true,
  // Decoding starts from unknown in any case: the encoded type is the API server's word.
  schema: LeaseSchema as unknown as Schema.Codec<Lease, unknown>
}
