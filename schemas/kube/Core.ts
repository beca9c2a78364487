/** The kinds of the core group that we read, and Events that we write: the fields we look at. */
import * as Schema from "effect/Schema"
import { ObjectMeta } from "./ObjectMeta.ts"
import type { KubeObject, Resource } from "./Resource.ts"

const core = <A extends KubeObject, E>(
  kind: string,
  plural: string,
  namespaced: boolean,
  schema: Schema.Codec<A, E>
): Resource<A> => ({
  group: "",
  version: "v1",
  kind,
  plural,
  namespaced,
  // Decoding starts from unknown in any case: the encoded type is the API server's word.
  schema: schema as unknown as Schema.Codec<A, unknown>
})

const Strings = Schema.Record(Schema.String, Schema.String)

/** Values are base64; they are credentials or bootstrap data: never log a decoded Secret. */
const SecretSchema = Schema.Struct({
  metadata: ObjectMeta,
  type: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Strings)
})
export type Secret = typeof SecretSchema.Type
export const Secret = core("Secret", "secrets", true, SecretSchema)

const ConfigMapSchema = Schema.Struct({ metadata: ObjectMeta, data: Schema.optionalKey(Strings) })
export type ConfigMap = typeof ConfigMapSchema.Type
export const ConfigMap = core("ConfigMap", "configmaps", true, ConfigMapSchema)

const NamespaceSchema = Schema.Struct({ metadata: ObjectMeta })
export type Namespace = typeof NamespaceSchema.Type
export const Namespace = core("Namespace", "namespaces", false, NamespaceSchema)

const Taint = Schema.Struct({
  key: Schema.String,
  value: Schema.optionalKey(Schema.String),
  effect: Schema.String
})

const NodeSchema = Schema.Struct({
  metadata: ObjectMeta,
  spec: Schema.Struct({
    providerID: Schema.optionalKey(Schema.String),
    taints: Schema.optionalKey(Schema.Array(Taint)),
    unschedulable: Schema.optionalKey(Schema.Boolean)
  }),
  status: Schema.optionalKey(
    Schema.Struct({
      addresses: Schema.optionalKey(Schema.Array(Schema.Struct({ type: Schema.String, address: Schema.String }))),
      conditions: Schema.optionalKey(Schema.Array(Schema.Struct({ type: Schema.String, status: Schema.String })))
    })
  )
})
export type Node = typeof NodeSchema.Type
export const Node = core("Node", "nodes", false, NodeSchema)

const EventSchema = Schema.Struct({
  metadata: ObjectMeta,
  involvedObject: Schema.Struct({
    apiVersion: Schema.optionalKey(Schema.String),
    kind: Schema.optionalKey(Schema.String),
    namespace: Schema.optionalKey(Schema.String),
    name: Schema.optionalKey(Schema.String),
    uid: Schema.optionalKey(Schema.String),
    resourceVersion: Schema.optionalKey(Schema.String)
  }),
  type: Schema.optionalKey(Schema.String),
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  count: Schema.optionalKey(Schema.Int),
  firstTimestamp: Schema.optionalKey(Schema.NullOr(Schema.String)),
  lastTimestamp: Schema.optionalKey(Schema.NullOr(Schema.String)),
  source: Schema.optionalKey(
    Schema.Struct({ component: Schema.optionalKey(Schema.String), host: Schema.optionalKey(Schema.String) })
  )
})
export type Event = typeof EventSchema.Type
export const Event = core("Event", "events", true, EventSchema)
