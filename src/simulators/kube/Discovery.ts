/** What clients ask before they ask for objects: groups, versions, resources, the server's version and health. */
import { apiVersion, type Kind } from "./Kind.ts"
import type { Kinds } from "./Kinds.ts"
import type { KubeJson } from "./KubeJson.ts"

const unique = <A>(items: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(items)]

const verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]

const resource = (kind: Kind): ReadonlyArray<KubeJson> => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs,
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories })
  },
  ...(kind.statusSubresource
    ? [
        {
          name: `${kind.plural}/status`,
          singularName: "",
          namespaced: kind.namespaced,
          kind: kind.kind,
          verbs: ["get", "patch", "update"]
        }
      ]
    : [])
]

const group = (kinds: ReadonlyArray<Kind>, name: string): KubeJson => {
  const versions = unique(kinds.filter((kind) => kind.group === name).map((kind) => kind.version)).map((version) => ({
    groupVersion: apiVersion({ group: name, version }),
    version
  }))
  return { name, versions, preferredVersion: versions[0] ?? null }
}

const version: KubeJson = {
  major: "1",
  minor: "36",
  gitVersion: "v1.36.0-embedded",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64"
}

/** The answer to a path that names no resource; undefined for a path that means nothing here. */
export const answer = (kinds: Kinds, path: string): KubeJson | "ok" | undefined => {
  const all = kinds.all()
  const segments = path.split("/").filter((segment) => segment !== "")
  const [root, first, second, ...more] = segments
  if (segments.length === 1 && ["healthz", "livez", "readyz"].includes(root ?? "")) return "ok"
  if (path === "/version" || path === "/version/") return version
  if (more.length > 0) return undefined
  if (root === "api" && first === undefined) {
    return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] }
  }
  if (root === "apis" && first === undefined) {
    const names = unique(all.filter((kind) => kind.group !== "").map((kind) => kind.group))
    return { kind: "APIGroupList", apiVersion: "v1", groups: names.map((name) => group(all, name)) }
  }
  if (root === "apis" && first !== undefined && second === undefined) {
    return all.some((kind) => kind.group === first)
      ? { kind: "APIGroup", apiVersion: "v1", ...group(all, first) }
      : undefined
  }
  const [name, wanted] = root === "api" && second === undefined ? ["", first] : root === "apis" ? [first, second] : []
  const served = all.filter((kind) => kind.group === name && kind.version === wanted)
  return served[0] === undefined
    ? undefined
    : {
        kind: "APIResourceList",
        apiVersion: "v1",
        groupVersion: apiVersion(served[0]),
        resources: served.flatMap(resource)
      }
}
