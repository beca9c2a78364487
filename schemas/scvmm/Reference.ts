/** References and metadata that several kinds share. */
import * as Schema from "effect/Schema"
import { extend, listMap, optional, required, stringMap } from "../kube/Field.ts"

/** Another object of the same namespace. */
export const LocalReference = Schema.Struct({ name: required(Schema.String, "Name of the object.") })
export type LocalReference = typeof LocalReference.Type

export const ProviderReference = Schema.Struct({
  name: required(Schema.String, "Name of the ScvmmProvider."),
  namespace: required(Schema.String, "Namespace of the ScvmmProvider.")
})
export type ProviderReference = typeof ProviderReference.Type

/** An object of any group in the same namespace, such as a pool of addresses. */
export const TypedReference = extend(
  Schema.Struct({
    apiGroup: optional(Schema.String, "API group of the object, for example ipam.cluster.x-k8s.io."),
    kind: required(Schema.String, "Kind of the object."),
    name: required(Schema.String, "Name of the object.")
  }),
  { "x-kubernetes-map-type": "atomic" }
)
export type TypedReference = typeof TypedReference.Type

/** metadata of what is made from a template. */
export const TemplateMetadata = Schema.Struct({
  labels: optional(stringMap, "Labels of the object that is made."),
  annotations: optional(stringMap, "Annotations of the object that is made.")
})

const atomic = { "x-kubernetes-list-type": "atomic" } as const

export const LabelSelector = extend(
  Schema.Struct({
    matchLabels: optional(stringMap, "Labels that an object must have, all of them."),
    matchExpressions: optional(
      extend(
        Schema.Array(
          Schema.Struct({
            key: required(Schema.String, "Label key."),
            operator: required(Schema.String, "In, NotIn, Exists or DoesNotExist."),
            values: optional(
              extend(Schema.Array(Schema.String), atomic),
              "Values for In and NotIn; empty for Exists and DoesNotExist."
            )
          }).annotate({ description: "One requirement on a label." })
        ),
        atomic
      ),
      "Requirements on labels, all of which must hold."
    )
  }),
  { "x-kubernetes-map-type": "atomic" }
)
export type LabelSelector = typeof LabelSelector.Type

/** Cluster API's addresses (contract rule 56). */
export const MachineAddress = Schema.Struct({
  type: required(
    Schema.Literals(["Hostname", "ExternalIP", "InternalIP", "ExternalDNS", "InternalDNS"]),
    "Type of the address."
  ),
  address: required(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(256)), "The address.")
}).annotate({ description: "An address of the machine." })
export type MachineAddress = typeof MachineAddress.Type

/** A list merged by one key, with an upper bound. */
export const boundedListMap = <S extends Schema.Top>(item: S, key: string, maximum: number) =>
  listMap(item, key).check(Schema.isMaxLength(maximum))
