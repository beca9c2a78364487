/** The shapes that a client may ask for: objects as they are, as rows of a Table, or their metadata alone. */
import { badRequest, internal, notAcceptable, unfitting } from "./Failure.ts"
import { humanDuration } from "./HumanDuration.ts"
import * as JsonPath from "./JsonPath.ts"
import { apiVersion, present, type Column, type Kind } from "./Kind.ts"
import { accepted, isJson, isYaml } from "./MediaType.ts"
import { assign, metadata, text, type Json, type KubeJson } from "./KubeJson.ts"

export type Shape = "Object" | "Table" | "PartialObjectMetadata" | "PartialObjectMetadataList"

const shapes: ReadonlyArray<Shape> = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList"]

/** The first shape of an Accept header that can be served. Throws 406. */
const accept = (header: string): Shape => {
  for (const range of accepted(header)) {
    if (!isJson(range) && !isYaml(range)) continue
    const { as, g: group, v: version } = range.parameters
    if (as === undefined) return "Object"
    const shape = shapes.find((each) => each === as)
    if (shape !== undefined && group === "meta.k8s.io" && version === "v1") return shape
  }
  throw notAcceptable
}

/** The Go type of a kind's objects, as refusals print it. */
const goType = (kind: Kind, list: boolean): string =>
  kind.custom
    ? `*unstructured.Unstructured${list ? "List" : ""}`
    : `*${kind.group === "" ? "core" : kind.group.split(".", 1).join("")}.${list ? kind.listKind : kind.kind}`

const partial = (object: KubeJson): KubeJson => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata: metadata(object)
})

const cell = (object: KubeJson, column: Column, millis: number): Json => {
  if (column.cell !== undefined) return column.cell(object, millis)
  const found = JsonPath.select(object, column.jsonPath)
  const [first] = found
  if (first === undefined) return null
  if (column.type === "date") {
    return typeof first === "string" ? humanDuration(Math.floor((millis - Date.parse(first)) / 1000)) : "<unknown>"
  }
  if (found.length > 1)
    return found.map((value) => (typeof value === "string" ? value : JSON.stringify(value))).join(",")
  return column.type === "string" && typeof first !== "string" ? JSON.stringify(first) : first
}

const nameColumn: Column = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
  jsonPath: ".metadata.name"
}

/** The name comes first, unless the kind shows it elsewhere. */
const columnsOf = (kind: Kind): ReadonlyArray<Column> =>
  kind.columns.some((column) => column.format === "name") ? kind.columns : [nameColumn, ...kind.columns]

const definitions = (kind: Kind): ReadonlyArray<KubeJson> =>
  columnsOf(kind).map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority
  }))

const included = (query: URLSearchParams): TableOptions["include"] => {
  const given = query.get("includeObject") ?? ""
  switch (given) {
    case "":
      return "Metadata"
    case "Metadata":
    case "Object":
    case "None":
      return given
    default:
      throw badRequest(
        `Unable to convert to Table as requested: includeObject: Invalid value: ${JSON.stringify(given)}: must be 'Metadata', 'Object', 'None', or empty`
      )
  }
}

/** What a request wants to see: the shape, and of objects in tables how much. Throws 400, 406. */
export const asked = (
  header: string,
  query: URLSearchParams
): { readonly shape: Shape; readonly include: TableOptions["include"] } => {
  const shape = accept(header)
  return { shape, include: shape === "Table" ? included(query) : "Metadata" }
}

export interface TableOptions {
  readonly millis: number
  /** includeObject of the request. */
  readonly include: "None" | "Metadata" | "Object"
  /** Watches send them with the first event alone. */
  readonly columns: boolean
}

const table = (
  kind: Kind,
  objects: ReadonlyArray<KubeJson>,
  listMetadata: KubeJson,
  options: TableOptions
): KubeJson => ({
  kind: "Table",
  apiVersion: "meta.k8s.io/v1",
  metadata: listMetadata,
  columnDefinitions: options.columns ? definitions(kind) : null,
  rows: objects.map((object) => ({
    cells: columnsOf(kind).map((column) => cell(object, column, options.millis)),
    object: options.include === "None" ? null : options.include === "Object" ? present(kind, object) : partial(object)
  }))
})

/** One stored object of a kind in the shape asked for. */
export const one = (shape: Shape, kind: Kind, stored: KubeJson, options: TableOptions): KubeJson => {
  const object = present(kind, stored)
  if (shape === "Object") return object
  if (shape === "PartialObjectMetadata") return partial(object)
  if (shape === "PartialObjectMetadataList") {
    throw kind.custom
      ? internal("content is not a list")
      : unfitting(
          `you requested PartialObjectMetadataList, but the requested object is not a list (${goType(kind, false)})`
        )
  }
  return table(kind, [stored], { resourceVersion: text(metadata(stored), "resourceVersion") }, options)
}

export const list = (
  shape: Shape,
  kind: Kind,
  stored: ReadonlyArray<KubeJson>,
  listMetadata: KubeJson,
  options: TableOptions
): KubeJson => {
  if (shape === "Table") return table(kind, stored, listMetadata, options)
  if (shape === "PartialObjectMetadata") {
    throw unfitting(`you requested PartialObjectMetadata, but the requested object is a list (${goType(kind, true)})`)
  }
  const items = stored.map((object) => present(kind, object))
  return shape === "Object"
    ? {
        kind: kind.listKind,
        apiVersion: apiVersion(kind),
        // Lists of custom resources say that there is no more.
        metadata: kind.custom ? { continue: "", ...listMetadata } : listMetadata,
        // The real server leaves them out of lists of its own kinds, too.
        items: kind.custom ? items : items.map((item) => assign(item, { apiVersion: undefined, kind: undefined }))
      }
    : {
        kind: "PartialObjectMetadataList",
        apiVersion: "meta.k8s.io/v1",
        metadata: listMetadata,
        items: items.map(partial)
      }
}
