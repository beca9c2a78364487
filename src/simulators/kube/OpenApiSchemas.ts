/** The components of an OpenAPI v3 document: the schemas of the kinds, custom or the server's own, and what they refer to. */
import * as fs from "node:fs"
import type { Kind } from "./Kind.ts"
import { at, isArray, isObject, objects, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as Names from "./OpenApiNames.ts"
import * as TypedFields from "./TypedFields.ts"

const file = new URL("BuiltinSchemas.json", import.meta.url)

/** Schemas that kube-apiserver publishes of its own kinds, by component name; test/conformance/kube/OpenApi.test.ts writes and checks them. */
const builtin: KubeJson = JSON.parse(fs.readFileSync(file, "utf8"))

const reference = (name: string): KubeJson => ({ $ref: `#/components/schemas/${name}` })

const typeMeta = (): KubeJson => {
  const status = builtin[Names.meta("Status")]
  return {
    apiVersion: at(status, "properties", "apiVersion") ?? null,
    kind: at(status, "properties", "kind") ?? null
  }
}

const conventions = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md"

const gvk = (kind: Kind, name: string): KubeJson => ({
  "x-kubernetes-group-version-kind": [{ group: kind.group, kind: name, version: kind.version }]
})

/** What is left of a custom kind whose CRD is not here: any field goes. */
const anything: KubeJson = { type: "object", "x-kubernetes-preserve-unknown-fields": true }

const custom = (kind: Kind): KubeJson => {
  const source = kind.openApi ?? anything
  const properties = source["properties"]
  return {
    ...source,
    properties: {
      ...(isObject(properties) ? properties : {}),
      ...typeMeta(),
      metadata: {
        description: `Standard object's metadata. More info: ${conventions}#metadata`,
        allOf: [reference(Names.meta("ObjectMeta"))]
      }
    },
    ...gvk(kind, kind.kind)
  }
}

const customList = (kind: Kind): KubeJson => ({
  description: `${kind.listKind} is a list of ${kind.kind}`,
  type: "object",
  required: ["items"],
  properties: {
    ...typeMeta(),
    items: {
      description: `List of ${kind.plural}. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md`,
      type: "array",
      items: reference(Names.custom(kind))
    },
    metadata: {
      description: `Standard list metadata. More info: ${conventions}#types-kinds`,
      allOf: [reference(Names.meta("ListMeta"))]
    }
  },
  ...gvk(kind, kind.listKind)
})

const identity = (group: string, version: string, kind: string): string => `${group}/${version}/${kind}`

const names: ReadonlyMap<string, string> = new Map(
  Object.entries(builtin).flatMap(([name, schema]) =>
    objects(schema, "x-kubernetes-group-version-kind").map(
      (each) => [identity(text(each, "group"), text(each, "version"), text(each, "kind")), name] as const
    )
  )
)

/** The component of one of the server's own kinds; undefined where its schema is not here. */
const builtinName = (kind: Kind): string | undefined => names.get(identity(kind.group, kind.version, kind.kind))

export const nameOf = (kind: Kind): string => builtinName(kind) ?? Names.custom(kind)

/** The object as the type of one of the server's own kinds takes it. Throws IllTyped. */
export const decode = (kind: Kind, object: KubeJson): TypedFields.Decoded => {
  const component = builtinName(kind)
  if (component !== undefined) return TypedFields.decode(builtin, component, object)
  const { value, unknown } = decodeMetadata(object["metadata"] ?? {})
  return { value: { ...object, metadata: value }, unknown: unknown.map((field) => `metadata.${field}`) }
}

/** The metadata of a custom resource. Throws IllTyped. */
export const decodeMetadata = (metadata: Json): TypedFields.Decoded =>
  TypedFields.decode(builtin, Names.meta("ObjectMeta"), metadata)

const prefix = "#/components/schemas/"

const referred = (schema: Json | undefined): ReadonlyArray<string> => {
  if (isArray(schema)) return schema.flatMap(referred)
  if (!isObject(schema)) return []
  const name = text(schema, "$ref")
  return name.startsWith(prefix) ? [name.slice(prefix.length)] : Object.values(schema).flatMap(referred)
}

/** The components of kinds of one group version, with everything that they and their operations refer to. */
export const of = (kinds: ReadonlyArray<Kind>): KubeJson => {
  const found: Record<string, Json> = {}
  const add = (name: string) => {
    const schema = builtin[name]
    if (schema === undefined || Object.hasOwn(found, name)) return
    found[name] = schema
    referred(schema).forEach(add)
  }
  for (const kind of kinds) {
    const own = builtinName(kind)
    if (own === undefined) {
      found[Names.custom(kind)] = custom(kind)
      found[`${Names.custom(kind)}List`] = customList(kind)
    } else {
      add(own)
      add(`${own}List`)
    }
  }
  for (const name of ["DeleteOptions", "ListMeta", "ObjectMeta", "Patch", "Status"]) add(Names.meta(name))
  return found
}
