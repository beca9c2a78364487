/** CustomResourceDefinitions: completed and judged when stored, and turned into served kinds. */
import * as Failure from "./Failure.ts"
import * as Kind from "./Kind.ts"
import { assign, equals, isObject, metadata, objects, strings, text, type Json, type KubeJson } from "./KubeJson.ts"
import { compile } from "./StructuralSchema.ts"

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
        compile(schema)
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
          schema: compile(schemaOf(version)),
          ...openApi(schemaOf(version))
        }
      )
    })
}
