/** Reads the path of a request: which resource, in which namespace, which object of it. */
import type { Kind } from "./Kind.ts"
import type { Kinds } from "./Kinds.ts"

/** The names in a path, whether they are served or not. */
export interface Names {
  readonly group: string
  readonly version: string
  readonly plural: string
  /** "" for cluster-scoped objects and for all namespaces. */
  readonly namespace: string
  /** "" for the collection. */
  readonly name: string
  readonly subresource: string
}

export interface ResourcePath {
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly subresource: string
}

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** undefined for a path that names no resource. */
export const read = (path: string): Names | undefined => {
  const [root, ...segments] = path
    .split("/")
    .filter((segment) => segment !== "")
    .map(decoded)
  if (root !== "api" && root !== "apis") return undefined
  const [group = "", version = "", ...rest] = root === "api" ? ["", ...segments] : segments
  const [first = "", second = "", third = "", fourth = "", fifth = ""] = rest
  const isNamespaceItself = first === "namespaces" && group === "" && (rest.length < 3 || third === "status")
  const scoped = first === "namespaces" && !isNamespaceItself
  const namespace = scoped ? second : ""
  const [plural, name, subresource] = scoped ? [third, fourth, fifth] : [first, second, third]
  return plural === "" ? undefined : { group, version, plural, namespace, name, subresource }
}

/** The served kind that the names mean; undefined for none. */
export const resolve = (kinds: Kinds, names: Names): ResourcePath | undefined => {
  const { group, version, plural, namespace, name, subresource } = names
  const kind = kinds.find(group, version, plural)
  if (kind === undefined) return undefined
  // Objects of a namespaced kind have a namespace; collections may span all; cluster-scoped kinds never have one.
  if (kind.namespaced ? name !== "" && namespace === "" : namespace !== "") return undefined
  return { kind, namespace, name, subresource }
}
