/** The query parameters of writes and deletions, and the DeleteOptions of a body. */
import { badRequest, invalid, type Cause, type Failure } from "./Failure.ts"
import { isArray, text, at, type Json } from "./KubeJson.ts"

export type FieldValidation = "Strict" | "Warn" | "Ignore"

export interface WriteOptions {
  readonly dryRun: boolean
  readonly fieldValidation: FieldValidation
}

export interface DeleteOptions {
  readonly dryRun: boolean
  readonly propagationPolicy: "Background" | "Foreground" | "Orphan" | undefined
  /** By orphanDependents: false, which has an answer of its own. */
  readonly cascades?: boolean
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

/** A number of a query. Throws 400 in the words of Go's parser. */
export const integer = (query: URLSearchParams, name: string): number | undefined => {
  const given = query.get(name) ?? ""
  if (given === "") return undefined
  const wrong = (fault: string) => badRequest(`strconv.ParseInt: parsing ${JSON.stringify(given)}: ${fault}`)
  if (!/^[-+]?\d+$/u.test(given)) throw wrong("invalid syntax")
  if (BigInt.asIntN(64, BigInt(given)) !== BigInt(given)) throw wrong("value out of range")
  return Number(given)
}

/** A switch of a query: given at all is on, but for two values. */
export const flag = (query: URLSearchParams, name: string): boolean => {
  const given = query.get(name)
  return given !== null && !["false", "0"].includes(given.toLowerCase())
}

const printable = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/** Throws 422. */
const requireManager = (kind: string, manager: string) => {
  const refuse = (reason: Cause["reason"], message: string) =>
    invalid("meta.k8s.io", kind, "", [{ reason, field: "fieldManager", message }])
  if (Buffer.byteLength(manager) > 128) throw refuse("FieldValueTooLong", "Too long: may not be more than 128 bytes")
  const at = [...manager].findIndex((character) => !printable.test(character))
  if (at < 0) return
  const code = ([...manager][at]?.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")
  const shown = JSON.stringify(manager).replaceAll(/\\u00([0-9a-f]{2})/gu, String.raw`\x$1`)
  throw refuse("FieldValueInvalid", `Invalid value: ${shown}: invalid character U+${code} (at position ${at})`)
}

/** Throws 422 for values that mean nothing. */
export const write = (
  kind: "CreateOptions" | "UpdateOptions" | "PatchOptions",
  query: URLSearchParams,
  patchType?: string
): WriteOptions => {
  requireManager(kind, query.get("fieldManager") ?? "")
  if (kind === "PatchOptions" && patchType !== "apply" && flag(query, "force")) {
    const message = "Forbidden: may not be specified for non-apply patch"
    throw invalid("meta.k8s.io", kind, "", [{ reason: "FieldValueForbidden", field: "force", message }])
  }
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

/** A body replaces the query. Throws 400, 422. */
export const deletion = (query: URLSearchParams, body: Json | undefined): DeleteOptions => {
  integer(query, "gracePeriodSeconds")
  const dryRuns = at(body, "dryRun")
  const given = body === undefined ? query.getAll("dryRun") : isArray(dryRuns) ? dryRuns.map(String) : []
  const policy = body === undefined ? (query.get("propagationPolicy") ?? "") : text(body, "propagationPolicy")
  const asked = query.has("orphanDependents") ? flag(query, "orphanDependents") : undefined
  const orphans = body === undefined ? asked : at(body, "orphanDependents")
  if (typeof orphans === "boolean" && policy !== "") {
    const message = `Invalid value: ${JSON.stringify(policy)}: orphanDependents and deletionPropagation cannot be both set`
    throw invalid("meta.k8s.io", "DeleteOptions", "", [
      { reason: "FieldValueInvalid", field: "propagationPolicy", message }
    ])
  }
  switch (policy) {
    case "":
    case "Background":
    case "Foreground":
    case "Orphan":
      return {
        dryRun: dryRun("DeleteOptions", given),
        propagationPolicy:
          policy !== "" ? policy : orphans === true ? "Orphan" : orphans === false ? "Background" : undefined,
        cascades: orphans === false,
        uid: text(body, "preconditions", "uid"),
        resourceVersion: text(body, "preconditions", "resourceVersion")
      }
    default:
      throw refused("DeleteOptions", "propagationPolicy", policy, ["Foreground", "Background", "Orphan", "nil"])
  }
}
