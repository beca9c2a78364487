/** The query parameters of writes and deletions, and the DeleteOptions of a body. */
import { invalid, type Cause, type Failure } from "./Failure.ts"
import { text, type Json } from "./KubeJson.ts"

export type FieldValidation = "Strict" | "Warn" | "Ignore"

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
}

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly propagationPolicy: "Background" | "Foreground" | "Orphan" | undefined
  readonly uid: string
  readonly resourceVersion: string
}

const refused = (kind: string, field: string, value: Json, supported: ReadonlyArray<string>): Failure => {
  const cause: Cause = {
    reason: "FieldValueNotSupported",
    field,
    message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((name) => JSON.stringify(name)).join(", ")}`
  }
  return invalid("meta.k8s.io", kind, "", [cause])
}

const dryRun = (kind: string, found: ReadonlyArray<string>): boolean => {
  if (found.some((value) => value !== "All")) throw refused(kind, "dryRun", [...found], ["All"])
  return found.length > 0
}

/** Throws 422 for values that mean nothing. */
export const write = (
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  query: URLSearchParams
): WriteOptions => {
  const fieldValidation = query.get("fieldValidation") ?? ""
  switch (fieldValidation) {
    case "":
    case "Warn":
    case "Strict":
    case "Ignore":
      return {
        dryRun: dryRun(kind, query.getAll("dryRun")),
        fieldValidation: fieldValidation === "" ? "Warn" : fieldValidation
      }
    default:
      throw refused(kind, "fieldValidation", fieldValidation, ["", "Ignore", "Strict", "Warn"])
  }
}

/** The body wins over the query. Throws 422. */
export const deletion = (query: URLSearchParams, body: Json | undefined): DeleteOptions => {
  const policy = text(body, "propagationPolicy") || (query.get("propagationPolicy") ?? "")
  switch (policy) {
    case "":
    case "Background":
    case "Foreground":
    case "Orphan":
      return {
        dryRun: dryRun("DeleteOptions", query.getAll("dryRun")),
        propagationPolicy: policy === "" ? undefined : policy,
        uid: text(body, "preconditions", "uid"),
        resourceVersion: text(body, "preconditions", "resourceVersion")
      }
    default:
      throw refused("DeleteOptions", "propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"])
  }
}
