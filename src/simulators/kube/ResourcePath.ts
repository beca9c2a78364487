/** Reads the path of a request: which resource, in which namespace, which object of it. */
import type { Kind } from "./Kind.ts"
import type { Kinds } from "./Kinds.ts"

export interface ResourcePath {
  readonly kind: Kind
  /** "" for cluster-scoped objects and for all namespaces. */
  readonly namespace: string
  /** "" for the collection. */
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

/** undefined for a path that names no served resource. */
export const parse = (kinds: Kinds, path: string): ResourcePath | undefined => {
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
  const kind = kinds.find(group, version, plural)
  if (kind === undefined) return undefined
  // Objects of a namespaced kind have a namespace; collections may span all; cluster-scoped kinds never have one.
  if (kind.namespaced ? name !== "" && namespace === "" : scoped) return undefined
  return { kind, namespace, name, subresource }
}
