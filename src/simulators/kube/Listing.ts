/** Lists: selectors, pages that stay consistent under writes, older revisions. Failures are thrown. */
import * as Encoding from "effect/encoding/Base64Url"
import * as Result from "effect/Result"
import * as Failure from "./Failure.ts"
import * as GoJson from "./GoJson.ts"
import type { Kind } from "./Kind.ts"
import { at, text, type Json, type KubeJson } from "./KubeJson.ts"
import * as ListOptions from "./ListOptions.ts"
import * as Options from "./Options.ts"
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

/** Label and field selector of a query together; refuses options in the order of the real server. Throws 400, 422. */
export const predicate = (kind: Kind, query: URLSearchParams, verb: "list" | "watch"): Selector.Predicate => {
  const labels = Selector.labels(query.get("labelSelector") ?? "")
  const terms = Selector.terms(query.get("fieldSelector") ?? "")
  ListOptions.validate(query, verb)
  const fields = Selector.fields(terms, kind)
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
  const invalid = (fault: string) => Failure.badRequest(`invalid continue token: continue key is not valid: ${fault}`)
  const json = Result.getOrElse(Encoding.decodeString(token), () => {
    throw invalid("illegal base64 data at input byte 0")
  })
  let found: Json
  try {
    // The token is JSON of our own making, or refused below.
    found = JSON.parse(json) as Json
  } catch {
    throw invalid(GoJson.syntaxFault(json))
  }
  const revision = at(found, "rv")
  const start = text(found, "start")
  if (typeof revision !== "number" || start === "") throw invalid("incorrect encoded start resourceVersion")
  return { revision, start }
}

/** Throws 504 for a revision of the future. */
const requireReached = (version: string, storage: Storage) => {
  if (Number(version) <= storage.revision()) return
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

/** What strconv.ParseUint says of a version that is no number; undefined for one that is. */
export const versionFault = (version: string): string | undefined =>
  version === "" || /^\d+$/u.test(version)
    ? undefined
    : `resourceVersion: Invalid value: ${JSON.stringify(version)}: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`

/** A read of one object may ask for a version that is at least so new. Throws 500, 504. */
export const requireVersion = (query: URLSearchParams, storage: Storage) => {
  const version = query.get("resourceVersion") ?? ""
  const fault = versionFault(version)
  if (fault !== undefined) throw Failure.internal(fault)
  requireReached(version, storage)
}

/** The revision that an exact list wants; undefined for the present. */
const exact = (query: URLSearchParams, storage: Storage): number | undefined => {
  const version = query.get("resourceVersion") ?? ""
  const fault = versionFault(version)
  if (fault !== undefined) throw Failure.badRequest(`invalid resource version: ${fault}`)
  requireReached(version, storage)
  return query.get("resourceVersionMatch") === "Exact" ? Number(version) : undefined
}

/** One page. Raises 400, 410 (page or revision older than history), 422, 504. */
export const list = (storage: Storage, scope: Scope, query: URLSearchParams): Page => {
  Options.integer(query, "timeoutSeconds")
  const given = Options.integer(query, "limit") ?? 0
  const limit = given > 0 ? given : Number.POSITIVE_INFINITY
  const matches = predicate(scope.kind, query, "list")
  const token = query.get("continue") ?? ""
  const position = token === "" ? undefined : decode(token)
  if (position !== undefined && (query.get("resourceVersion") ?? "0") !== "0") {
    throw Failure.badRequest("specifying resource version is not allowed when using continue")
  }
  const wanted = position?.revision ?? exact(query, storage)
  const revision = wanted ?? storage.revision()
  const entries =
    wanted === undefined
      ? storage.list(scope.kind.store, prefix(scope))
      : storage.listAt(scope.kind.store, prefix(scope), wanted)
  if (entries === undefined) {
    throw Failure.expired(position === undefined ? "The resourceVersion for the provided list is too old." : expired)
  }
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
