/** How OpenAPI documents name what they speak of. */
import type { Kind } from "./Kind.ts"

/** A component of apimachinery's meta/v1. */
export const meta = (name: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`

/** The component of a custom kind: its group turned round, its version, its kind. */
export const custom = (kind: Kind): string => [...kind.group.split(".").toReversed(), kind.version, kind.kind].join(".")

const capitalised = (word: string): string => `${word.charAt(0).toUpperCase()}${word.slice(1)}`

/** The server's own groups go by their first word. */
const words = (kind: Kind): ReadonlyArray<string> =>
  kind.group === "" ? ["core"] : kind.custom ? kind.group.split(/[.-]/u) : kind.group.split(".", 1)

/** `infrastructureClusterXK8sIo_v1alpha1` */
export const tag = (kind: Kind): string => {
  const [first = "", ...rest] = words(kind)
  return `${first}${rest.map(capitalised).join("")}_${kind.version}`
}

/** `InfrastructureClusterXK8sIoV1alpha1` */
export const title = (kind: Kind): string => `${words(kind).map(capitalised).join("")}${capitalised(kind.version)}`
