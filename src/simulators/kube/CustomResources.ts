/** CustomResourceDefinitions: completed and judged when stored, and turned into served kinds. */
import * as Failure from "./Failure.ts"
import * as Kind from "./Kind.ts"
import {
  assign,
  equals,
  isObject,
  metadata,
  objects,
  strings,
  text,
  withMetadata,
  type Json,
  type KubeJson
} from "./KubeJson.ts"
import { compile, type SchemaNode } from "./StructuralSchema.ts"

export const store = "apiextensions.k8s.io/customresourcedefinitions"

const names = (crd: KubeJson): KubeJson => {
  const given = crd["spec"]
  const found = isObject(given) && isObject(given["names"]) ? given["names"] : {}
  const kind = text(found, "kind")
  return {
    ...found,
    singular: text(found, "singular") || kind.toLowerCase(),
    listKind: text(found, "listKind") || `${kind}List`
  }
}

const wrong = (field: string, message: string): Failure.Cause => ({ reason: "FieldValueInvalid", field, message })

const schemaOf = (version: KubeJson): Json | undefined => {
  const schema = version["schema"]
  return isObject(schema) ? schema["openAPIV3Schema"] : undefined
}

const compiledSchemas = new WeakMap<object, SchemaNode>()

/** Compiled once, however often its CRD is written or stored by however many servers. Throws for what is no structural schema. */
const compiled = (schema: Json | undefined): SchemaNode => {
  if (!isObject(schema)) return compile(schema)
  const node = compiledSchemas.get(schema) ?? compile(schema)
  compiledSchemas.set(schema, node)
  return node
}

const causes = (crd: KubeJson): ReadonlyArray<Failure.Cause> => {
  const group = text(crd, "spec", "group")
  const plural = text(crd, "spec", "names", "plural")
  const versions = objects(crd, "spec", "versions")
  const name = text(metadata(crd), "name")
  return [
    ...(name === `${plural}.${group}`
      ? []
      : [wrong("metadata.name", `Invalid value: ${JSON.stringify(name)}: must be spec.names.plural+"."+spec.group`)]),
    ...(versions.filter((version) => version["storage"] === true).length === 1
      ? []
      : [wrong("spec.versions", "Invalid value: must have exactly one version marked as storage version")]),
    ...versions.flatMap((version, index): ReadonlyArray<Failure.Cause> => {
      const field = `spec.versions[${index}].schema.openAPIV3Schema`
      const schema = schemaOf(version)
      if (schema === undefined)
        return [{ reason: "FieldValueRequired", field, message: "Required value: schemas are required" }]
      try {
        compiled(schema)
        return []
      } catch (error) {
        return [wrong(field, `Invalid value: ${String(error)}`)]
      }
    })
  ]
}

/** The CRD with the defaults of the real server. Throws 422. */
export const complete = (crd: KubeJson, stored: KubeJson | undefined): KubeJson => {
  const spec = isObject(crd["spec"]) ? crd["spec"] : {}
  const found = causes(crd)
  if (found.length > 0) {
    throw Failure.invalid("apiextensions.k8s.io", "CustomResourceDefinition", text(metadata(crd), "name"), found)
  }
  return assign(crd, {
    spec: { ...spec, names: names(crd), conversion: spec["conversion"] ?? { strategy: "None" } },
    status: stored?.["status"] ?? {
      conditions: null,
      acceptedNames: { plural: "", kind: "" },
      storedVersions: objects(crd, "spec", "versions")
        .filter((version) => version["storage"] === true)
        .map((version) => text(version, "name"))
    }
  })
}

const finalizer = "customresourcecleanup.apiextensions.k8s.io"

const withCondition = (crd: KubeJson, type: string, reason: string, message: string, now: string): KubeJson => {
  const held = objects(crd, "status", "conditions")
  const before = held.find((condition) => condition["type"] === type)
  const lastTransitionTime = text(before, "lastTransitionTime") || now
  if (text(before, "reason") === reason) return crd
  const conditions = [
    ...held.filter((condition) => condition !== before),
    { type, status: "True", lastTransitionTime, reason, message }
  ]
  return assign(crd, { status: { ...(isObject(crd["status"]) ? crd["status"] : {}), conditions } })
}

/** A CRD whose deletion was asked for: its objects go first. */
export const terminating = (crd: KubeJson, now: string): KubeJson =>
  withCondition(
    withMetadata(crd, { finalizers: [...new Set([...strings(metadata(crd), "finalizers"), finalizer])] }),
    "Terminating",
    "InstanceDeletionPending",
    "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    now
  )

/** A terminating CRD while its objects are being deleted. */
export const clearing = (crd: KubeJson, now: string): KubeJson =>
  withCondition(crd, "Terminating", "InstanceDeletionInProgress", "CustomResource deletion is in progress", now)

/** A terminating CRD without objects. */
export const cleared = (crd: KubeJson): KubeJson => {
  const left = strings(metadata(crd), "finalizers").filter((held) => held !== finalizer)
  return withMetadata(crd, { finalizers: left.length === 0 ? undefined : left })
}

/** The name of the CRD that a custom kind comes from. */
export const nameOf = (kind: Kind.Kind): string => `${kind.plural}.${kind.group}`

/** Where the objects of a CRD lie. */
export const instances = (crd: KubeJson): string =>
  `${text(crd, "spec", "group")}/${text(crd, "spec", "names", "plural")}`

export const isTerminating = (crd: KubeJson): boolean =>
  metadata(crd)["deletionTimestamp"] !== undefined && strings(metadata(crd), "finalizers").includes(finalizer)

/** Throws 403 while the CRD of a kind is being deleted. */
export const requireServing = (crd: KubeJson | undefined, kind: Kind.Kind, name: string) => {
  if (crd !== undefined && isTerminating(crd)) {
    throw Failure.forbidden(kind, name, "create not allowed while custom resource definition is terminating")
  }
}

/** The status of a CRD whose kinds are served. */
export const established = (crd: KubeJson, now: string): KubeJson => {
  const condition = (type: string, reason: string, message: string): KubeJson => ({
    type,
    status: "True",
    lastTransitionTime: now,
    reason,
    message
  })
  const status = isObject(crd["status"]) ? crd["status"] : {}
  const accepted = assign(status, {
    conditions: [
      condition("NamesAccepted", "NoConflicts", "no conflicts found"),
      condition("Established", "InitialNamesAccepted", "the initial names have been accepted")
    ],
    acceptedNames: names(crd)
  })
  const isEstablished = equals(status["acceptedNames"], accepted["acceptedNames"])
  return isEstablished ? crd : assign(crd, { status: accepted })
}

const columns = (version: KubeJson): ReadonlyArray<Kind.Column> => {
  const given = objects(version, "additionalPrinterColumns").map((column) => ({
    name: text(column, "name"),
    type: text(column, "type"),
    format: text(column, "format"),
    description:
      text(column, "description") ||
      `Custom resource definition column (in JSONPath format): ${text(column, "jsonPath")}`,
    priority: typeof column["priority"] === "number" ? column["priority"] : 0,
    jsonPath: text(column, "jsonPath")
  }))
  return given.length === 0 ? [Kind.age] : given
}

const openApi = (schema: Json | undefined): Pick<Kind.Kind, "openApi"> => (isObject(schema) ? { openApi: schema } : {})

/** One kind for each served version. */
export const kinds = (crd: KubeJson): ReadonlyArray<Kind.Kind> => {
  const group = text(crd, "spec", "group")
  const named = names(crd)
  return objects(crd, "spec", "versions")
    .filter((version) => version["served"] === true)
    .map((version) => {
      const subresources = version["subresources"]
      return Kind.make(
        {
          group,
          version: text(version, "name"),
          kind: text(named, "kind"),
          plural: text(named, "plural"),
          namespaced: text(crd, "spec", "scope") === "Namespaced"
        },
        {
          singular: text(named, "singular"),
          listKind: text(named, "listKind"),
          shortNames: strings(named, "shortNames"),
          categories: strings(named, "categories"),
          custom: true,
          generation: true,
          statusSubresource: isObject(subresources) && isObject(subresources["status"]),
          fieldLabels: Object.fromEntries(
            objects(version, "selectableFields").map((field) => {
              const path = text(field, "jsonPath").replace(/^\./u, "")
              return [path, path.split(".")]
            })
          ),
          columns: columns(version),
          schema: compiled(schemaOf(version)),
          ...openApi(schemaOf(version))
        }
      )
    })
}
