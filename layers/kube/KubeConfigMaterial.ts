/** Reading the files that a kubeconfig names. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import type { Tls } from "../Dial.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Described, Material } from "./KubeConfigFile.ts"

/** A text file; `field` and `at`, the kubeconfig that names it, are for messages. */
export const read = (file: string, field = "", at = file): Effect.Effect<string, KubeConfigError> =>
  Effect.tryPromise({
    try: () => fs.readFile(file, "utf8"),
    catch: (cause) => {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause)
      const why = { ENOENT: "no such file", EACCES: "permission denied", EISDIR: "is a folder" }[code] ?? code
      return new KubeConfigError({
        reason: "Unreadable",
        path: at,
        field,
        detail: at === file ? why : `${file}: ${why}`
      })
    }
  })

/** A file name relative to the kubeconfig that holds it. */
export const beside = (origin: string, file: string): string => path.resolve(path.dirname(origin), file)

/** PEM, however it is given. */
export const pem = Effect.fnUntraced(function* (material: Material | undefined) {
  if (material === undefined) return undefined
  if (material._tag === "Inline") return material.pem
  const content = yield* read(beside(material.origin, material.path), material.field, material.origin)
  if (!content.includes("-----BEGIN ")) {
    const { origin, field } = material
    return yield* new KubeConfigError({
      reason: "Malformed",
      path: origin,
      field,
      detail: `${material.path} is not PEM`
    })
  }
  return Redacted.make(content)
})

/** The bearer token in a file. */
export const tokenIn = Effect.fnUntraced(function* (file: string, field: string, at: string) {
  const token = (yield* read(file, field, at)).trim()
  if (token !== "") return Redacted.make(token)
  return yield* new KubeConfigError({ reason: "Malformed", path: at, field, detail: `${file} is empty` })
})

/** CA and client certificate as they are now. */
export const tlsOf = Effect.fnUntraced(function* (described: Described) {
  const ca = yield* pem(described.ca)
  const cert = yield* pem(described.cert)
  const key = yield* pem(described.key)
  return {
    ...(ca !== undefined && { ca: Redacted.value(ca) }),
    ...(cert !== undefined && { cert: Redacted.value(cert) }),
    ...(key !== undefined && { key }),
    ...(described.serverName !== undefined && { serverName: described.serverName }),
    ...(described.insecure !== undefined && { insecureSkipVerify: true })
  } satisfies Tls
})
