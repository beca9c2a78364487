/** One served kind as data: names, scope, and how its objects are stored and judged. */
import type { Json, KubeJson } from "./KubeJson.ts"
import type { SchemaNode } from "./StructuralSchema.ts"

/** A column of a Table answer beyond Name. */
export interface Column {
  readonly name: string
  readonly type: string
  readonly format: string
  readonly description: string
  /** Above 0: shown by `-o wide` alone. */
  readonly priority: number
  readonly jsonPath: string
  /** For what no path says: computed from the stored object, at a time in milliseconds. */
  readonly cell?: (object: KubeJson, millis: number) => Json
}

/** What names may look like; "path" is anything that fits between two slashes. */
export type NameForm = "subdomain" | "label" | "path"

export interface Subresource {
  readonly subresource: string
  /** What is sent to it and answered by it. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly verbs: ReadonlyArray<string>
}

export interface Kind {
  /** "" is the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly singular: string
  readonly listKind: string
  readonly namespaced: boolean
  readonly shortNames: ReadonlyArray<string>
  readonly categories: ReadonlyArray<string>
  /** Where its objects lie: `group/plural`, shared by all versions of a kind. */
  readonly store: string
  readonly statusSubresource: boolean
  /** Custom resources: no strategic merge patches, no update without resourceVersion, status dropped at creation. */
  readonly custom: boolean
  /** Whether metadata.generation counts changes outside metadata and status. */
  readonly generation: boolean
  readonly names: NameForm
  /** Field selectors beyond metadata.name and metadata.namespace: label → path. */
  readonly fieldLabels: Readonly<Record<string, ReadonlyArray<string>>>
  readonly columns: ReadonlyArray<Column>
  readonly schema?: SchemaNode
  /** The schema as its CRD gives it, to be published; without one, that of the server's own kinds, or none. */
  readonly openApi?: KubeJson
  /** What a deletion changes in an object of a kind whose own controller has work to do before it goes. */
  readonly terminating?: (object: KubeJson, now: string) => KubeJson
  /** Verbs other than the usual: kinds that are only asked (TokenReview) are created and never stored. */
  readonly verbs?: ReadonlyArray<string>
  /** Subresources beside status. */
  readonly subresources?: ReadonlyArray<Subresource>
  /** Completes or refuses (throws Failure) an object about to be stored. */
  readonly prepare?: (object: KubeJson, stored: KubeJson | undefined) => KubeJson
  /** For a kind served in two shapes: from the stored shape and back. */
  readonly convert?: {
    readonly toStored: (object: KubeJson) => KubeJson
    readonly fromStored: (object: KubeJson) => KubeJson
  }
}

export const apiVersion = (kind: { readonly group: string; readonly version: string }): string =>
  kind.group === "" ? kind.version : `${kind.group}/${kind.version}`

export const keyOf = (kind: Kind, namespace: string, name: string): string =>
  kind.namespaced ? `${namespace}/${name}` : name

export const age: Column = {
  name: "Age",
  type: "date",
  format: "",
  description: "Time since the object was created",
  priority: 0,
  jsonPath: ".metadata.creationTimestamp"
}

/** A kind with the usual names and nothing special. */
export const make = (
  names: {
    readonly group: string
    readonly version: string
    readonly kind: string
    readonly plural: string
    readonly namespaced: boolean
  },
  rest: Partial<Kind> = {}
): Kind => ({
  singular: names.kind.toLowerCase(),
  listKind: `${names.kind}List`,
  shortNames: [],
  categories: [],
  store: `${names.group}/${names.plural}`,
  statusSubresource: false,
  custom: false,
  generation: false,
  names: "subdomain",
  fieldLabels: {},
  columns: [age],
  ...names,
  ...rest
})

/** The object as a version of its kind presents it. */
export const present = (kind: Kind, object: KubeJson): KubeJson => {
  const converted = kind.convert === undefined ? object : kind.convert.fromStored(object)
  const version = apiVersion(kind)
  return converted["apiVersion"] === version ? converted : { ...converted, apiVersion: version }
}
