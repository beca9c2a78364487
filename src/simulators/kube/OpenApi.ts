/** The OpenAPI v3 documents that kubectl reads: an index, and one document for each group version. */
import { createHash } from "node:crypto"
import { apiVersion, type Kind } from "./Kind.ts"
import type { KubeJson } from "./KubeJson.ts"
import * as OpenApiPaths from "./OpenApiPaths.ts"
import * as OpenApiSchemas from "./OpenApiSchemas.ts"

export interface Document {
  readonly json: string
  /** Changes with its content: clients keep what they know by it. */
  readonly hash: string
}

/** `api/v1` or `apis/group/version`. */
const place = (kind: Kind): string => `${kind.group === "" ? "api" : "apis"}/${apiVersion(kind)}`

const write = (kinds: ReadonlyArray<Kind>): KubeJson => ({
  openapi: "3.0.0",
  info: { title: "Kubernetes", version: "v1.36.3+embedded" },
  paths: Object.assign({}, ...kinds.map((kind) => OpenApiPaths.of(kind, OpenApiSchemas.nameOf(kind)))),
  components: { schemas: OpenApiSchemas.of(kinds) }
})

/** Written once for each set of kinds. */
const written = new WeakMap<Kind, { readonly kinds: ReadonlyArray<Kind>; readonly document: Document }>()

/** The document of the group version at `api/v1` or `apis/group/version`; undefined where nothing is served. */
export const document = (all: ReadonlyArray<Kind>, at: string): Document | undefined => {
  const kinds = all.filter((kind) => place(kind) === at)
  const [first] = kinds
  if (first === undefined) return undefined
  const known = written.get(first)
  if (known !== undefined && known.kinds.length === kinds.length && known.kinds.every((kind, n) => kind === kinds[n])) {
    return known.document
  }
  const json = JSON.stringify(write(kinds))
  const document = { json, hash: createHash("sha512").update(json).digest("hex").toUpperCase() }
  written.set(first, { kinds, document })
  return document
}

/** Where each document is found, with its hash. */
export const index = (all: ReadonlyArray<Kind>): KubeJson => ({
  paths: Object.fromEntries(
    [...new Set(all.map(place))]
      .toSorted()
      .map((at) => [at, { serverRelativeURL: `/openapi/v3/${at}?hash=${document(all, at)?.hash ?? ""}` }])
  )
})
