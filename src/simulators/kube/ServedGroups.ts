/** The order and the verbs in which discovery presents the served kinds. */
import type { Kind, Subresource } from "./Kind.ts"

const unique = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(items)]

/** The groups but the core one: the server's own first, then those of custom resources by name. */
export const groupsOf = (kinds: ReadonlyArray<Kind>): ReadonlyArray<string> => {
  const names = (custom: boolean) =>
    kinds.filter((kind) => kind.custom === custom && kind.group !== "").map((kind) => kind.group)
  return unique([...names(false), ...names(true).toSorted()])
}

/** GA before beta before alpha, newer before older: the order of version.CompareKubeAwareVersionStrings. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [rank(a), rank(b)]
  const differing = left.findIndex((part, index) => part !== right[index])
  return differing < 0 ? (a < b ? -1 : a > b ? 1 : 0) : (right[differing] ?? 0) - (left[differing] ?? 0)
}

/** Stability, major, minor; a name of another form ranks below all. */
const rank = (version: string): ReadonlyArray<number> => {
  const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/u.exec(version) ?? []
  if (major === undefined) return [0, 0, 0]
  return [stage === undefined ? 3 : stage === "beta" ? 2 : 1, Number(major), Number(minor ?? 0)]
}

/** The versions of a group, the preferred one first. */
export const versionsOf = (kinds: ReadonlyArray<Kind>, group: string): ReadonlyArray<string> =>
  unique(kinds.filter((kind) => kind.group === group).map((kind) => kind.version)).toSorted(compareVersions)

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
const customVerbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"]

/** Namespaces go one by one, as each has its content deleted first. */
export const verbsOf = (kind: Kind): ReadonlyArray<string> =>
  kind.verbs ??
  (kind.custom
    ? customVerbs
    : kind.store === "/namespaces"
      ? verbs.filter((verb) => verb !== "deletecollection")
      : verbs)

export const subresourcesOf = (
  kind: Kind
): ReadonlyArray<Pick<Subresource, "subresource" | "kind" | "verbs"> & Partial<Subresource>> => [
  ...(kind.subresources ?? []),
  ...(kind.statusSubresource ? [{ subresource: "status", kind: kind.kind, verbs: ["get", "patch", "update"] }] : [])
]
