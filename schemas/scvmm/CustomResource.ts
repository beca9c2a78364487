/** The descriptor of one of our own kinds: codec, REST path, CRD and RBAC derive from it. */
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import {
  contractLabel,
  infrastructureGroup,
  moveHierarchyLabel,
  moveLabel,
  providerLabel,
  providerLabelValue
} from "../capi/Contract.ts"
import { ObjectMeta } from "../kube/ObjectMeta.ts"
import type { KubeObject, StatusResource } from "../kube/Resource.ts"
import { normalise } from "../StoredShape.ts"
import type { Structural } from "../Structural.ts"
import { structural } from "../Structural.ts"

export const version = "v1alpha1"

export type Permission = "create" | "delete" | "get" | "list" | "patch" | "update" | "watch"

/** One column of `kubectl get`. */
export interface Column {
  readonly name: string
  readonly type: "string" | "integer" | "date" | "boolean"
  readonly jsonPath: string
  readonly description: string
  /** 1: only with `-o wide`. */
  readonly priority?: 1
}

export const readyColumn: Column = {
  name: "READY",
  type: "string",
  jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  description: "Whether the object is ready"
}

export const ageColumn: Column = {
  name: "AGE",
  type: "date",
  jsonPath: ".metadata.creationTimestamp",
  description: "Time since the object was created"
}

export interface CustomResource<A extends KubeObject & { readonly status?: unknown }> extends StatusResource<A> {
  readonly listKind: string
  readonly singular: string
  readonly shortNames: ReadonlyArray<string>
  readonly categories: ReadonlyArray<string>
  readonly description: string
  readonly columns: ReadonlyArray<Column>
  /** Of the CRD object. */
  readonly labels: Readonly<Record<string, string>>
  readonly structural: { readonly spec: Structural; readonly status: Structural }
  /** What the operator does with objects of this kind; status and finalizers as subresources. */
  readonly permissions: {
    readonly object: ReadonlyArray<Permission>
    readonly status: ReadonlyArray<Permission>
    readonly finalizers: boolean
  }
}

interface Definition<Spec, SpecE, Status, StatusE> {
  readonly kind: string
  readonly shortName: string
  readonly description: string
  /** Contract kinds carry the contract label; of the others `clusterctl move` has to be told. */
  readonly role: "contract" | "move" | "move-hierarchy"
  readonly spec: Schema.Codec<Spec, SpecE>
  readonly status: Schema.Codec<Status, StatusE>
  readonly columns: ReadonlyArray<Column>
  readonly permissions: CustomResource<KubeObject>["permissions"]
  /** Brings an older status to today's types before it is normalised. */
  readonly healStatus?: (status: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>
}

/** spec and status are always there; an absent one decodes as an empty one. */
export interface CustomObject<Spec, Status> {
  readonly metadata: ObjectMeta
  readonly spec: Spec
  readonly status: Status
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {}

const roleLabels = {
  contract: { [contractLabel]: version },
  move: { [moveLabel]: "" },
  "move-hierarchy": { [moveHierarchyLabel]: "" }
}

/**
 * A kind of the group infrastructure.cluster.x-k8s.io/v1alpha1. Its schema decodes every shape that the predecessor stored
 * (StoredShape); encoding gives a whole object without apiVersion and kind.
 */
export const customResource = <Spec, SpecE, Status, StatusE>(
  definition: Definition<Spec, SpecE, Status, StatusE>
): CustomResource<CustomObject<Spec, Status>> => {
  const singular = definition.kind.toLowerCase()
  const { spec, status } = definition
  const shape = { spec: structural(spec), status: structural(status) }
  const whole = Schema.Struct({ metadata: ObjectMeta, spec, status })
  const heal = (input: unknown) => {
    const stored = record(input)
    const oldStatus = record(stored["status"])
    return {
      metadata: stored["metadata"],
      spec: normalise(record(stored["spec"]), shape.spec),
      status: normalise(definition.healStatus?.(oldStatus) ?? oldStatus, shape.status)
    }
  }
  const schema = Schema.Unknown.pipe(
    Schema.decodeTo(
      whole,
      SchemaTransformation.transform({
        // The struct behind this step checks the type.
        decode: (input: unknown) => heal(input) as typeof whole.Encoded,
        encode: (output: unknown) => output
      })
    )
  )
  return {
    group: infrastructureGroup,
    version,
    kind: definition.kind,
    plural: `${singular}s`,
    singular,
    listKind: `${definition.kind}List`,
    shortNames: [definition.shortName],
    categories: ["cluster-api"],
    namespaced: true,
    description: definition.description,
    columns: definition.columns,
    labels: { [providerLabel]: providerLabelValue, ...roleLabels[definition.role] },
    structural: shape,
    permissions: definition.permissions,
    // A decoded status is never null, which its type cannot say.
    statusSchema: status as unknown as Schema.Codec<NonNullable<Status>, unknown>,
    schema: schema as unknown as Schema.Codec<CustomObject<Spec, Status>, unknown>
  }
}
