/** The shapes that a client may ask for: objects as they are, as rows of a Table, or their metadata alone. */
import { notAcceptable } from "./Failure.ts"
import * as JsonPath from "./JsonPath.ts"
import { apiVersion, present, type Column, type Kind } from "./Kind.ts"
import { assign, metadata, text, type Json, type KubeJson } from "./KubeJson.ts"

export type Shape = "Object" | "Table" | "PartialObjectMetadata"

/** The first shape of an Accept header that can be served. Throws 406. */
export const accept = (header: string): Shape => {
  if (header === "") return "Object"
  for (const range of header.split(",")) {
    const [media = "", ...parameters] = range.split(";").map((part) => part.trim())
    if (!["application/json", "application/*", "*/*"].includes(media.toLowerCase())) continue
    const shape = parameters.find((parameter) => parameter.startsWith("as="))?.slice(3)
    const group = parameters.find((parameter) => parameter.startsWith("g="))?.slice(2)
    if (shape === undefined || group !== "meta.k8s.io") return "Object"
    if (shape === "Table") return "Table"
    if (shape === "PartialObjectMetadata" || shape === "PartialObjectMetadataList") return "PartialObjectMetadata"
  }
  throw notAcceptable
}

const partial = (object: KubeJson): KubeJson => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata: metadata(object)
})

/** kubectl's duration.HumanDuration. */
export const humanDuration = (seconds: number): string => {
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)]
  const rest = (value: number, unit: string) => (value === 0 ? "" : `${value}${unit}`)
  if (seconds < 0) return "0s"
  if (seconds < 120) return `${seconds}s`
  if (minutes < 10) return `${minutes}m${rest(seconds % 60, "s")}`
  if (minutes < 180) return `${minutes}m`
  if (hours < 8) return `${hours}h${rest(minutes % 60, "m")}`
  if (hours < 48) return `${hours}h`
  if (hours < 192) return `${days}d${rest(hours % 24, "h")}`
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return days < 2920 ? `${years}y${rest(days % 365, "d")}` : `${years}y`
}

const cell = (object: KubeJson, column: Column, millis: number): Json => {
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

const nameColumn = {
  name: "Name",
  type: "string",
  format: "name",
  description: "Name must be unique within a namespace.",
  priority: 0
}

const definitions = (kind: Kind): ReadonlyArray<KubeJson> => [
  nameColumn,
  ...kind.columns.map(({ name, type, format, description, priority }) => ({
    name,
    type,
    format,
    description,
    priority
  }))
]

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
    cells: [text(metadata(object), "name"), ...kind.columns.map((column) => cell(object, column, options.millis))],
    object: options.include === "None" ? null : options.include === "Object" ? object : partial(object)
  }))
})

/** One stored object of a kind in the shape asked for. */
export const one = (shape: Shape, kind: Kind, stored: KubeJson, options: TableOptions): KubeJson => {
  const object = present(kind, stored)
  if (shape === "Object") return object
  if (shape === "PartialObjectMetadata") return partial(object)
  return table(kind, [object], { resourceVersion: text(metadata(object), "resourceVersion") }, options)
}

export const list = (
  shape: Shape,
  kind: Kind,
  stored: ReadonlyArray<KubeJson>,
  listMetadata: KubeJson,
  options: TableOptions
): KubeJson => {
  const items = stored.map((object) => present(kind, object))
  if (shape === "Table") return table(kind, items, listMetadata, options)
  return shape === "Object"
    ? {
        kind: kind.listKind,
        apiVersion: apiVersion(kind),
        metadata: listMetadata,
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
