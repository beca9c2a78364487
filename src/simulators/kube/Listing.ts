/** Lists: selectors, pages that stay consistent under writes, older revisions. Failures are thrown. */
import * as Encoding from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import { at, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as Selector from "./Selector.ts"
import type { Entry, Storage } from "./Storage.ts"

export interface Scope {
  readonly kind: Kind
  /** "" lists all namespaces. */
  readonly namespace: string
}

export interface Page {
  readonly objects: ReadonlyArray<KubeJson>
  readonly metadata: KubeJson
}

export const prefix = (scope: Scope): string =>
  scope.kind.namespaced && scope.namespace !== "" ? `${scope.namespace}/` : ""

/** Label and field selector of a query together. */
export const predicate = (kind: Kind, query: URLSearchParams): Selector.Predicate => {
  const labels = Selector.labels(query.get("labelSelector") ?? "")
  const fields = Selector.fields(query.get("fieldSelector") ?? "", kind)
  return (object) => labels(object) && fields(object)
}

const expired =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter."

interface Position {
  readonly revision: number
  /** The key that the page starts at or after. */
  readonly start: string
}

const encode = (position: Position): string =>
  Encoding.encode(JSON.stringify({ v: "meta.k8s.io/v1", rv: position.revision, start: position.start }))

const decode = (token: string): Position => {
  const invalid = Failure.badRequest("invalid continue token: continue key is not valid")
  const json = Result.getOrElse(Encoding.decodeString(token), () => "")
  let found: Json
  try {
    // The token is JSON of our own making, or refused below.
    found = JSON.parse(json) as Json
  } catch {
    throw invalid
  }
  const revision = at(found, "rv")
  const start = text(found, "start")
  if (typeof revision !== "number" || start === "") throw invalid
  return { revision, start }
}

const limitOf = (query: URLSearchParams): number => {
  const given = query.get("limit") ?? ""
  if (given !== "" && !/^-?\d+$/u.test(given)) {
    throw Failure.badRequest(`strconv.ParseInt: parsing "${given}": invalid syntax`)
  }
  const limit = Number(given)
  return limit > 0 ? limit : Number.POSITIVE_INFINITY
}

const listOptions = (reason: Failure.Cause["reason"], message: string): Failure.Failure =>
  Failure.invalid("meta.k8s.io", "ListOptions", "", [{ reason, field: "resourceVersionMatch", message }])

/** The revision that an exact list wants; undefined for the present. */
const exact = (query: URLSearchParams, storage: Storage): number | undefined => {
  const version = query.get("resourceVersion") ?? ""
  const match = query.get("resourceVersionMatch") ?? ""
  if (match !== "" && version === "") {
    throw listOptions(
      "FieldValueForbidden",
      "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
    )
  }
  if (!["", "Exact", "NotOlderThan"].includes(match)) {
    throw listOptions(
      "FieldValueNotSupported",
      `Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan", ""`
    )
  }
  if (version !== "" && !/^\d+$/u.test(version)) {
    throw Failure.badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`
    )
  }
  if (Number(version) > storage.revision()) {
    throw new Failure.Failure({
      code: 504,
      reason: "Timeout",
      text: `Timeout: Too large resource version: ${version}, current: ${storage.revision()}`,
      details: {
        causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
        retryAfterSeconds: 1
      }
    })
  }
  return match === "Exact" ? Number(version) : undefined
}

/** One page. Raises 400, 410 (page or revision older than history), 422, 504. */
export const list = (storage: Storage, scope: Scope, query: URLSearchParams): Page => {
  const matches = predicate(scope.kind, query)
  const limit = limitOf(query)
  const token = query.get("continue") ?? ""
  if (token !== "" && (query.get("resourceVersion") ?? "0") !== "0") {
    throw Failure.badRequest("specifying resource version is not allowed when using continue")
  }
  const position = token === "" ? undefined : decode(token)
  const wanted = position?.revision ?? exact(query, storage)
  const revision = wanted ?? storage.revision()
  const entries =
    wanted === undefined
      ? storage.list(scope.kind.store, prefix(scope))
      : storage.listAt(scope.kind.store, prefix(scope), wanted)
  if (entries === undefined) throw Failure.expired(expired)
  const rest = entries.filter(
    (entry: Entry) => (position === undefined || entry.key >= position.start) && matches(entry.object)
  )
  const page = rest.slice(0, limit)
  const following = rest.at(page.length)
  const selected = (query.get("labelSelector") ?? "") !== "" || (query.get("fieldSelector") ?? "") !== ""
  return {
    objects: page.map((entry) => entry.object),
    metadata: {
      resourceVersion: String(revision),
      ...(following !== undefined && {
        continue: encode({ revision, start: following.key }),
        ...(!selected && { remainingItemCount: rest.length - page.length })
      })
    }
  }
}
