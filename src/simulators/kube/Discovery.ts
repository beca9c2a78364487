/** What is served, one group or version at a time, and the server's version: the discovery documents of old. */
import { apiVersion, type Kind } from "./Kind.ts"
import type { KubeJson } from "./KubeJson.ts"
import { groupsOf, subresourcesOf, verbsOf, versionsOf } from "./ServedGroups.ts"

const resource = (kind: Kind): ReadonlyArray<KubeJson> => [
  {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories })
  },
  ...subresourcesOf(kind).map(({ subresource, ...sub }) => ({
    name: `${kind.plural}/${subresource}`,
    singularName: "",
    namespaced: kind.namespaced,
    ...sub
  }))
]

const group = (kinds: ReadonlyArray<Kind>, name: string): KubeJson => {
  const versions = versionsOf(kinds, name).map((version) => ({
    groupVersion: apiVersion({ group: name, version }),
    version
  }))
  return { name, versions, preferredVersion: versions[0] ?? null }
}

const resources = (kinds: ReadonlyArray<Kind>, name: string, version: string): KubeJson | undefined => {
  const served = kinds.filter((kind) => kind.group === name && kind.version === version)
  return served.length === 0
    ? undefined
    : {
        kind: "APIResourceList",
        // The real server leaves it out of its oldest document.
        ...(name !== "" && { apiVersion: "v1" }),
        groupVersion: apiVersion({ group: name, version }),
        resources: served.flatMap(resource)
      }
}

export const version: KubeJson = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.3+embedded",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "linux/amd64"
}

/** The document at /api or /apis and below; undefined where there is none. */
export const document = (kinds: ReadonlyArray<Kind>, segments: ReadonlyArray<string>): KubeJson | undefined => {
  const [root, first, second, ...more] = segments
  if (more.length > 0) return undefined
  if (root === "api") {
    if (first === undefined) {
      return {
        kind: "APIVersions",
        versions: versionsOf(kinds, ""),
        // Where clients of other networks would go: there is one address.
        serverAddressByClientCIDRs: []
      }
    }
    return second === undefined ? resources(kinds, "", first) : undefined
  }
  if (first === undefined) {
    return { kind: "APIGroupList", apiVersion: "v1", groups: groupsOf(kinds).map((name) => group(kinds, name)) }
  }
  if (second !== undefined) return resources(kinds, first, second)
  return groupsOf(kinds).includes(first) ? { kind: "APIGroup", apiVersion: "v1", ...group(kinds, first) } : undefined
}
