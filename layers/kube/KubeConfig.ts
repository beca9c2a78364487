/** Access to a Kubernetes API: a kubeconfig file, or the credentials of the pod we run in. */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs/promises"
import * as os from "node:os"
import * as path from "node:path"
import type { Tls } from "../Dial.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Described, Material, Parsed } from "./KubeConfigFile.ts"
import { describe, parse } from "./KubeConfigFile.ts"

export interface KubeConfig {
  /** scheme://host[:port][/prefix], no slash at the end. */
  readonly server: string
  readonly tls: Tls
  /** The bearer token, if that is how we log on; a token in a file is read again every minute. */
  readonly token: Effect.Effect<Redacted.Redacted | undefined, KubeConfigError>
  /** Of the context, or the pod. */
  readonly namespace: string
}

export interface LoadOptions {
  /** A kubeconfig; wins over everything else. */
  readonly path?: string
  /** A context of the kubeconfig other than its current one. */
  readonly context?: string
  /** Where a pod finds its credentials. */
  readonly serviceAccount?: string
}

const reread = 60_000

const read = (file: string, field = "", at = file): Effect.Effect<string, KubeConfigError> =>
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

/** A token file read at most once a minute: the kubelet replaces it well before it expires. */
const tokenFrom = (file: string, field: string, at: string) => {
  let known: { readonly token: Redacted.Redacted; readonly since: number } | undefined
  return Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    if (known !== undefined && now - known.since < reread) return known.token
    const token = (yield* read(file, field, at)).trim()
    if (token === "") {
      return yield* new KubeConfigError({ reason: "Malformed", path: at, field, detail: `${file} is empty` })
    }
    known = { token: Redacted.make(token), since: now }
    return known.token
  })
}

const beside = (origin: string, file: string): string => path.resolve(path.dirname(origin), file)

const pem = Effect.fnUntraced(function* (material: Material | undefined) {
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

const assemble = Effect.fnUntraced(function* (described: Described) {
  const ca = yield* pem(described.ca)
  const cert = yield* pem(described.cert)
  const key = yield* pem(described.key)
  const file = described.tokenFile
  return {
    server: described.server,
    namespace: described.namespace,
    tls: {
      ...(ca !== undefined && { ca: Redacted.value(ca) }),
      ...(cert !== undefined && { cert: Redacted.value(cert) }),
      ...(key !== undefined && { key }),
      ...(described.serverName !== undefined && { serverName: described.serverName }),
      ...(described.insecure && { insecureSkipVerify: true })
    },
    token:
      file === undefined
        ? Effect.succeed(described.token)
        : tokenFrom(beside(file.origin, file.path), file.field, file.origin)
  } satisfies KubeConfig
})

/** A context of kubeconfig files, merged as kubectl does: the first mention of a name wins. */
export const fromFiles = Effect.fn("KubeConfig.fromFiles")(function* (
  files: ReadonlyArray<string>,
  context?: string
): Effect.fn.Return<KubeConfig, KubeConfigError> {
  const parsed: Array<Parsed> = []
  for (const file of files) {
    parsed.push(yield* Effect.fromResult(parse(file, yield* read(file))))
  }
  return yield* assemble(yield* Effect.fromResult(describe(parsed, context)))
})

const variable = (name: string): Effect.Effect<string | undefined, KubeConfigError> =>
  Effect.gen(function* () {
    return Option.getOrUndefined(yield* Config.option(Config.String(name)))
  }).pipe(
    Effect.mapError(
      (error) => new KubeConfigError({ reason: "Malformed", path: `$${name}`, field: "", detail: error.message })
    ),
    Effect.map((value) => (value === "" ? undefined : value))
  )

const inCluster = Effect.fn("KubeConfig.inCluster")(function* (
  host: string,
  folder: string
): Effect.fn.Return<KubeConfig, KubeConfigError> {
  const port = (yield* variable("KUBERNETES_SERVICE_PORT")) ?? "443"
  const ca = yield* read(path.join(folder, "ca.crt"))
  const namespace = yield* read(path.join(folder, "namespace"))
  const file = path.join(folder, "token")
  const token = tokenFrom(file, "", file)
  yield* token
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    tls: { ca },
    token,
    namespace: namespace.trim()
  }
})

const exists = (file: string): Effect.Effect<boolean> =>
  Effect.promise(() =>
    fs.access(file).then(
      () => true,
      () => false
    )
  )

/**
 * The access that applies: an explicit path, the files of $KUBECONFIG, the pod's own credentials
 * ($KUBERNETES_SERVICE_HOST), ~/.kube/config; in this order. What is named but cannot be read is an error, never skipped.
 */
export const load = Effect.fn("KubeConfig.load")(function* (
  options: LoadOptions = {}
): Effect.fn.Return<KubeConfig, KubeConfigError> {
  if (options.path !== undefined) return yield* fromFiles([options.path], options.context)
  const listed = yield* variable("KUBECONFIG")
  if (listed !== undefined) {
    return yield* fromFiles(
      listed.split(path.delimiter).filter((file) => file !== ""),
      options.context
    )
  }
  const host = yield* variable("KUBERNETES_SERVICE_HOST")
  if (host !== undefined) {
    return yield* inCluster(host, options.serviceAccount ?? "/var/run/secrets/kubernetes.io/serviceaccount")
  }
  const home = path.join((yield* variable("HOME")) ?? os.homedir(), ".kube", "config")
  if (yield* exists(home)) return yield* fromFiles([home], options.context)
  return yield* new KubeConfigError({
    reason: "Unreadable",
    path: home,
    field: "",
    detail: "no access to a cluster: give --kubeconfig or KUBECONFIG, or run in a pod with a service account"
  })
})
