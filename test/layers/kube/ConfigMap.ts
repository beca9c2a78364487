/** ConfigMaps, as far as these tests look at them. */
import * as Schema from "effect/Schema"
import { ObjectMeta } from "../../../schemas/kube/ObjectMeta.ts"
import type { Resource } from "../../../schemas/kube/Resource.ts"

const schema = Schema.Struct({
  metadata: ObjectMeta,
  data: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
export type ConfigMap = typeof schema.Type

export const ConfigMap: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
  schema
}
