/** Looking into Kubernetes JSON that is not decoded. Pure. */
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"

/** Namespace and name of an object of any shape; empty strings for what it lacks. */
export const rawKey = (object: unknown): ObjectKey => {
  const metadata = field(object, "metadata")
  const text = (value: unknown): string => (typeof value === "string" ? value : "")
  return { namespace: text(field(metadata, "namespace")), name: text(field(metadata, "name")) }
}

/** A field of a value of any shape. */
export const field = (value: unknown, name: string): unknown =>
  // Any JSON value may come; a missing field reads as undefined.
  typeof value === "object" && value !== null ? (value as { readonly [key: string]: unknown })[name] : undefined

/** metadata.resourceVersion, or undefined. */
export const rawResourceVersion = (object: unknown): string | undefined => {
  const version = field(field(object, "metadata"), "resourceVersion")
  return typeof version === "string" && version !== "" ? version : undefined
}
