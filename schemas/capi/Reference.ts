/** What Cluster API's kinds have in common: references by group, kind and name, and their descriptors. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectMeta } from "../kube/ObjectMeta.ts"
import type { Resource } from "../kube/Resource.ts"
import { clusterGroup, ipamGroup } from "./Contract.ts"

/** v1beta2: no version and no namespace, both follow from the contract. */
export const ContractVersionedReference = Schema.Struct({
  apiGroup: Schema.optionalKey(Schema.String),
  kind: Schema.String,
  name: Schema.String
})
export type ContractVersionedReference = typeof ContractVersionedReference.Type

export interface ContractObject<Spec, Status> {
  readonly metadata: ObjectMeta
  readonly spec: Spec
  readonly status: Status
}

const resource =
  (group: string) =>
  <Spec, SpecE, Status, StatusE>(
    kind: string,
    plural: string,
    spec: Schema.Codec<Spec, SpecE>,
    status: Schema.Codec<Status, StatusE>
  ): Resource<ContractObject<Spec, Status>> => {
    // An absent status decodes as an empty one: every field of it is optional.
    const whole = Schema.Struct({
      metadata: ObjectMeta,
      spec,
      status: status.pipe(Schema.withDecodingDefaultKey(Effect.succeed({} as StatusE)))
    })
    return {
      group,
      version: "v1beta2",
      kind,
      plural,
      namespaced: true,
      schema: whole as unknown as Schema.Codec<ContractObject<Spec, Status>, unknown>
    }
  }

export const clusterResource = resource(clusterGroup)
export const ipamResource = resource(ipamGroup)
