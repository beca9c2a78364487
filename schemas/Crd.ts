/** CustomResourceDefinitions of our kinds, derived from their descriptors; no CEL (design D22). */
import type { Json } from "./kube/Patch.ts"
import type { KubeObject } from "./kube/Resource.ts"
import type { Column, CustomResource } from "./scvmm/CustomResource.ts"
import type { Structural } from "./Structural.ts"

/** What a CRD is made of: the descriptor without its codec. */
export type Described = Omit<CustomResource<KubeObject>, "schema">

/** The name that Cluster API computes from group and kind (contract rule 3). */
export const crdName = (resource: Described): string => `${resource.plural}.${resource.group}`

const column = ({ name, type, jsonPath, description, priority }: Column): Json => ({
  name,
  type,
  jsonPath,
  description,
  ...(priority !== undefined && { priority })
})

const openApi = (resource: Described): Structural => ({
  type: "object",
  description: resource.description,
  properties: {
    apiVersion: { type: "string", description: "Group and version of this representation of the object." },
    kind: { type: "string", description: "Kind of the object." },
    metadata: { type: "object" },
    spec: resource.structural.spec,
    status: resource.structural.status
  }
})

const definition = (resource: Described): { readonly [key: string]: Json } => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: crdName(resource), labels: resource.labels },
  spec: {
    group: resource.group,
    names: {
      kind: resource.kind,
      listKind: resource.listKind,
      plural: resource.plural,
      singular: resource.singular,
      shortNames: resource.shortNames,
      categories: resource.categories
    },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    versions: [
      {
        name: resource.version,
        served: true,
        storage: true,
        ...(resource.columns.length > 0 && { additionalPrinterColumns: resource.columns.map(column) }),
        // An interface has no index signature, so the compiler does not see that a Structural is JSON.
        schema: { openAPIV3Schema: openApi(resource) as unknown as Json },
        subresources: { status: {} }
      }
    ]
  }
})

const made = new WeakMap<Described, ReturnType<typeof definition>>()

/**
 * The definition as the API server takes it, the same object each time. spec is required of no kind: the predecessor
 * accepted objects without one, and an object that says nothing is a matter for a condition.
 */
export const crd = (resource: Described): { readonly [key: string]: Json } => {
  const found = made.get(resource) ?? definition(resource)
  made.set(resource, found)
  return found
}
