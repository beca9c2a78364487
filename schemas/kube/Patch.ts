/** Patches as the API server takes them: RFC 7386 merge and RFC 6902 JSON patches. */

export type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }

export type Operation =
  | { readonly op: "add" | "replace" | "test"; readonly path: string; readonly value: Json }
  | { readonly op: "remove"; readonly path: string }

export type Patch =
  | { readonly _tag: "Merge"; readonly body: Json }
  | { readonly _tag: "Json"; readonly operations: ReadonlyArray<Operation> }

export const merge = (body: Json): Patch => ({ _tag: "Merge", body })
export const json = (operations: ReadonlyArray<Operation>): Patch => ({ _tag: "Json", operations })

export const contentType = (patch: Patch): string =>
  patch._tag === "Merge" ? "application/merge-patch+json" : "application/json-patch+json"

export const encode = (patch: Patch): Json =>
  patch._tag === "Merge" ? patch.body : patch.operations.map((operation): Json => ({ ...operation }))
