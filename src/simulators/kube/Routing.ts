/** Which requests no handler takes, before anything is read or decided: paths without a resource, methods without a use. */
import * as Failure from "./Failure.ts"
import type { Kind } from "./Kind.ts"
import type { Names, ResourcePath } from "./ResourcePath.ts"
import { subresourcesOf, verbsOf } from "./ServedGroups.ts"

const verbOf: Readonly<Record<string, { readonly object: string; readonly collection: string }>> = {
  GET: { object: "get", collection: "list" },
  POST: { object: "", collection: "create" },
  PUT: { object: "update", collection: "" },
  PATCH: { object: "patch", collection: "" },
  DELETE: { object: "delete", collection: "deletecollection" }
}

/** The routes of the server's own kinds are fixed, method by method. */
const builtin = (method: string, path: ResourcePath): Failure.Failure | undefined => {
  const { kind, namespace, name, subresource } = path
  const verb = verbOf[method]
  if (subresource !== "") {
    const known = subresourcesOf(kind).find((each) => each.subresource === subresource)
    if (known === undefined) return Failure.noResource
    const asked = method === "POST" ? "create" : (verb?.object ?? "")
    return known.verbs.includes(asked) ? undefined : Failure.methodRefused
  }
  const asked = name === "" ? verb?.collection : verb?.object
  const everywhere = kind.namespaced && namespace === ""
  return asked !== undefined && verbsOf(kind).includes(asked) && (!everywhere || asked === "list")
    ? undefined
    : Failure.methodRefused
}

/** Custom resources have one handler, which says no by itself but for two things. */
const custom = (method: string, path: ResourcePath): Failure.Failure | "nowhere" | undefined => {
  const { kind, namespace, name, subresource } = path
  if (kind.namespaced && namespace === "" && method !== "GET" && method !== "HEAD") return "nowhere"
  const known = subresource === "" || subresourcesOf(kind).some((each) => each.subresource === subresource)
  return known ? undefined : Failure.notFound(kind, name)
}

/**
 * Why a request goes no further: a refusal, or "nowhere" for a path that may still mean something else.
 *
 * @param path what the names mean; undefined for nothing that is served
 */
export const refusal = (
  kinds: ReadonlyArray<Kind>,
  method: string,
  names: Names | undefined,
  path: ResourcePath | undefined
): Failure.Failure | "nowhere" | undefined => {
  if (path !== undefined) return path.kind.custom ? custom(method, path) : builtin(method, path)
  const own = kinds.some((kind) => !kind.custom && kind.group === names?.group && kind.version === names.version)
  return own ? Failure.noResource : "nowhere"
}
