/** The paths of an OpenAPI v3 document: by which operations a kind is served. */
import { apiVersion, type Kind } from "./Kind.ts"
import { text, type Json, type KubeJson } from "./KubeJson.ts"
import * as Names from "./OpenApiNames.ts"
import { verbsOf } from "./ServedGroups.ts"

const parameter = (where: "query" | "path", name: string, type = "string"): KubeJson => ({
  name,
  in: where,
  ...(where === "path" && { required: true }),
  schema: { type, uniqueItems: true }
})

const query = (names: string): ReadonlyArray<KubeJson> =>
  names.split(" ").map((term) => {
    const [name = "", type] = term.split(":")
    return parameter("query", name, type)
  })

const listing = query(
  "allowWatchBookmarks:boolean continue fieldSelector labelSelector limit:integer resourceVersion resourceVersionMatch sendInitialEvents:boolean shardSelector timeoutSeconds:integer watch:boolean"
)
/** kubectl looks for fieldValidation here before it leaves validation to the server. */
const writing = query("dryRun fieldManager fieldValidation")
const patching = [...writing, ...query("force:boolean")]
const deleting = query(
  "dryRun gracePeriodSeconds:integer ignoreStoreReadErrorWithClusterBreakingPotential:boolean orphanDependents:boolean propagationPolicy"
)
const reading = query("resourceVersion")
const pretty = parameter("query", "pretty")

const byName = (a: KubeJson, b: KubeJson): number => (text(a, "name") < text(b, "name") ? -1 : 1)

const reference = (schema: string): KubeJson => ({ schema: { $ref: `#/components/schemas/${schema}` } })

const content = (schema: string): KubeJson => ({
  "application/json": reference(schema),
  "application/yaml": reference(schema)
})

const patchContent = (kind: Kind): KubeJson =>
  Object.fromEntries(
    ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
      .concat(kind.custom ? [] : ["application/strategic-merge-patch+json"])
      .map((type) => [type, reference(Names.meta("Patch"))])
  )

const phrases: Readonly<Record<string, string>> = { "200": "OK", "201": "Created", "202": "Accepted" }

interface Operation {
  readonly action: string
  readonly verb: string
  readonly description: string
  readonly subject: string
  readonly parameters?: ReadonlyArray<KubeJson>
  readonly body?: { readonly content: KubeJson; readonly required?: boolean }
  readonly answer: string
  readonly codes?: ReadonlyArray<string>
}

const operation = (kind: Kind, given: Operation): KubeJson => ({
  tags: [Names.tag(kind)],
  description: given.description,
  operationId: `${given.verb}${Names.title(kind)}${given.subject}`,
  ...(given.parameters !== undefined && { parameters: given.parameters }),
  ...(given.body !== undefined && { requestBody: given.body }),
  responses: {
    ...Object.fromEntries(
      (given.codes ?? ["200"]).map((code) => [
        code,
        { description: phrases[code] ?? "", content: content(given.answer) }
      ])
    ),
    "401": { description: "Unauthorized" }
  },
  "x-kubernetes-action": given.action,
  "x-kubernetes-group-version-kind": { group: kind.group, version: kind.version, kind: kind.kind }
})

/** GET, PUT and PATCH of an object or of its status. */
const ofObject = (kind: Kind, schema: string, subject: string, status: boolean): KubeJson => {
  const what = status ? `status of the specified ${kind.kind}` : `the specified ${kind.kind}`
  const one = { subject: `${subject}${status ? "Status" : ""}`, answer: schema }
  return {
    get: operation(kind, { ...one, action: "get", verb: "read", description: `read ${what}`, parameters: reading }),
    put: operation(kind, {
      ...one,
      action: "put",
      verb: "replace",
      description: `replace ${what}`,
      parameters: writing,
      body: { content: content(schema), required: true },
      codes: ["200", "201"]
    }),
    patch: operation(kind, {
      ...one,
      action: "patch",
      verb: "patch",
      description: `partially update ${what}`,
      parameters: patching,
      body: { content: patchContent(kind), required: true }
    })
  }
}

const deletion = (kind: Kind, subject: string): Json =>
  operation(kind, {
    action: "delete",
    verb: "delete",
    description: `delete a ${kind.kind}`,
    subject,
    parameters: deleting,
    body: { content: content(Names.meta("DeleteOptions")) },
    answer: Names.meta("Status"),
    codes: ["200", "202"]
  })

const ofCollection = (kind: Kind, schema: string, subject: string): KubeJson => ({
  get: operation(kind, {
    action: "list",
    verb: "list",
    description: `list objects of kind ${kind.kind}`,
    subject,
    parameters: listing,
    answer: `${schema}List`
  }),
  post: operation(kind, {
    action: "post",
    verb: "create",
    description: `create a ${kind.kind}`,
    subject,
    parameters: writing,
    body: { content: content(schema), required: true },
    answer: schema,
    codes: ["200", "201", "202"]
  }),
  delete: operation(kind, {
    action: "deletecollection",
    verb: "delete",
    description: `delete collection of ${kind.kind}`,
    subject: `Collection${subject}`,
    parameters: listing,
    answer: Names.meta("Status")
  })
})

/** The operations whose verb the kind has. */
const served = (
  kind: Kind,
  operations: Readonly<Record<string, readonly [verb: string, operation: Json | undefined]>>
) =>
  Object.fromEntries(
    Object.entries(operations).flatMap(([method, [verb, operation]]) =>
      operation !== undefined && verbsOf(kind).includes(verb) ? [[method, operation]] : []
    )
  )

/** @param schema the name of the kind's component */
export const of = (kind: Kind, schema: string): KubeJson => {
  const root = `/${kind.group === "" ? "api" : "apis"}/${apiVersion(kind)}`
  const collection = kind.namespaced ? `${root}/namespaces/{namespace}/${kind.plural}` : `${root}/${kind.plural}`
  const subject = `${kind.namespaced ? "Namespaced" : ""}${kind.kind}`
  const home = kind.namespaced
    ? [{ ...parameter("path", "namespace"), description: "object name and auth scope, such as for teams and projects" }]
    : []
  const named = [{ ...parameter("path", "name"), description: `name of the ${kind.kind}` }, ...home, pretty]
  const everywhere = operation(kind, {
    action: "list",
    verb: "list",
    description: `list objects of kind ${kind.kind}`,
    subject: `${kind.kind}ForAllNamespaces`,
    answer: `${schema}List`
  })
  const all = ofCollection(kind, schema, subject)
  const one = ofObject(kind, schema, subject, false)
  const object = served(kind, {
    get: ["get", one["get"]],
    put: ["update", one["put"]],
    patch: ["patch", one["patch"]],
    delete: ["delete", deletion(kind, subject)]
  })
  return {
    ...(kind.namespaced &&
      verbsOf(kind).includes("list") && {
        [`${root}/${kind.plural}`]: { get: everywhere, parameters: [...listing, pretty].toSorted(byName) }
      }),
    [collection]: {
      ...served(kind, {
        get: ["list", all["get"]],
        post: ["create", all["post"]],
        delete: ["deletecollection", all["delete"]]
      }),
      parameters: [...home, pretty]
    },
    ...(Object.keys(object).length > 0 && { [`${collection}/{name}`]: { ...object, parameters: named } }),
    ...(kind.statusSubresource && {
      [`${collection}/{name}/status`]: { ...ofObject(kind, schema, subject, true), parameters: named }
    })
  }
}
