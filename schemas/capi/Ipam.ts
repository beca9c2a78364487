/** ipam.cluster.x-k8s.io/v1beta2: IPAddressClaim and IPAddress as a consumer sees them (contract rules 95 to 101). */
import * as Schema from "effect/Schema"
import { Condition } from "../kube/Condition.ts"
import { ContractVersionedReference, ipamResource } from "./Reference.ts"

export const IPAddressClaim = ipamResource(
  "IPAddressClaim",
  "ipaddressclaims",
  Schema.Struct({ clusterName: Schema.optionalKey(Schema.String), poolRef: ContractVersionedReference }),
  Schema.Struct({
    addressRef: Schema.optionalKey(Schema.Struct({ name: Schema.optionalKey(Schema.String) })),
    conditions: Schema.optionalKey(Schema.Array(Condition))
  })
)
export type IPAddressClaim = typeof IPAddressClaim.schema.Type

export const IPAddress = ipamResource(
  "IPAddress",
  "ipaddresses",
  Schema.Struct({
    claimRef: Schema.Struct({ name: Schema.String }),
    poolRef: ContractVersionedReference,
    address: Schema.String,
    prefix: Schema.Int,
    gateway: Schema.optionalKey(Schema.String)
  }),
  Schema.Struct({})
)
export type IPAddress = typeof IPAddress.schema.Type
