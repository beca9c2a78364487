/** All groups, versions and resources in one document, as clients ask for since Kubernetes 1.26: apidiscovery.k8s.io/v2. */
import type { Kind } from "./Kind.ts"
import type { KubeJson } from "./KubeJson.ts"
import { groupsOf, subresourcesOf, verbsOf, versionsOf } from "./ServedGroups.ts"

const resource = (kind: Kind): KubeJson => {
  // The real server's own registry leaves the group of its kinds out.
  const responseKind: KubeJson = kind.custom
    ? { group: kind.group, version: kind.version, kind: kind.kind }
    : { group: "", version: "", kind: kind.kind }
  const subresources = subresourcesOf(kind).map(({ subresource, verbs, ...rest }) => ({
    subresource,
    responseKind: { ...responseKind, ...rest },
    verbs
  }))
  return {
    resource: kind.plural,
    responseKind,
    scope: kind.namespaced ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources })
  }
}

const group = (kinds: ReadonlyArray<Kind>, name: string): KubeJson => ({
  metadata: name === "" ? {} : { name },
  versions: versionsOf(kinds, name).map((version) => ({
    version,
    resources: kinds.filter((kind) => kind.group === name && kind.version === version).map(resource),
    freshness: "Current"
  }))
})

/** What /api (the core group alone) or /apis (all others) answers. */
export const document = (kinds: ReadonlyArray<Kind>, root: "api" | "apis"): KubeJson => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: (root === "api" ? [""] : groupsOf(kinds)).map((name) => group(kinds, name))
})
