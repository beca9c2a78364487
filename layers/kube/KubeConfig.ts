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
import { Dial } from "../Dial.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Described, Parsed } from "./KubeConfigFile.ts"
import { describe, parse } from "./KubeConfigFile.ts"
import { beside, read, tlsOf, tokenIn } from "./KubeConfigMaterial.ts"
import type { Credentials, CredentialSource } from "./KubeCredentials.ts"
import { constant, remember } from "./KubeCredentials.ts"
import * as KubeLogOn from "./KubeLogOn.ts"

export interface KubeConfig {
  /** scheme://host[:port][/prefix], no slash at the end. */
  readonly server: string
  /** Asked before every request. Files behind it are read again every minute, whether they hold tokens or certificates. */
  readonly credentials: CredentialSource
  /** Of the context, or the pod. */
  readonly namespace: string
}

/** Access whose credentials never change. */
export const fixed = (access: {
  readonly server: string
  readonly tls?: Tls
  readonly token?: Redacted.Redacted
  readonly namespace?: string
}): KubeConfig => ({
  server: access.server,
  credentials: constant({ tls: access.tls ?? {}, token: access.token }),
  namespace: access.namespace ?? "default"
})

export interface LoadOptions {
  /** A kubeconfig; wins over everything else. */
  readonly path?: string
  /** A context of the kubeconfig other than its current one. */
  readonly context?: string
  /** Where a pod finds its credentials. */
  readonly serviceAccount?: string
}

/** The kubelet replaces a token well before it expires, cert-manager a certificate: client-go's period. */
const reread = 60_000

/** Read again every minute; what was read last stays in use while its files cannot be. */
const everyMinute = (what: string, look: Effect.Effect<Credentials, KubeConfigError>): CredentialSource =>
  remember(
    what,
    Effect.gen(function* () {
      const value = yield* look
      const now = yield* Clock.currentTimeMillis
      return { value, renewAt: now + reread, badAt: Infinity }
    })
  )

const assemble = Effect.fnUntraced(function* (described: Described) {
  const { server, namespace, tokenFile, logOn } = described
  const look = Effect.gen(function* () {
    const tls = yield* tlsOf(described)
    const token =
      tokenFile === undefined
        ? described.token
        : yield* tokenIn(beside(tokenFile.origin, tokenFile.path), tokenFile.field, tokenFile.origin)
    return { tls, token }
  })
  const inFiles = [described.ca, described.cert, described.key].some((it) => it?._tag === "File")
  const files =
    inFiles || tokenFile !== undefined ? everyMinute("kubeconfig", look) : constant<Credentials>(yield* look)
  // What is wrong already at the start is told there; a plugin and an issuer are asked with the first request.
  const { tls, token } = yield* files.current
  if (logOn === undefined || token !== undefined) return { server, namespace, credentials: files } satisfies KubeConfig
  if (logOn._tag === "Exec") {
    return {
      server,
      namespace,
      credentials: KubeLogOn.add(files, KubeLogOn.exec(described, tls, logOn))
    } satisfies KubeConfig
  }
  const { current, forget } = KubeLogOn.oidc(yield* Dial, logOn)
  const credentials = KubeLogOn.add(files, { current: Effect.map(current, (it) => ({ token: it })), forget })
  return { server, namespace, credentials } satisfies KubeConfig
})

/** A context of kubeconfig files, merged as kubectl does: the first mention of a name wins. */
const fromFiles = Effect.fn("KubeConfig.fromFiles")(function* (
  files: ReadonlyArray<string>,
  context?: string
): Effect.fn.Return<KubeConfig, KubeConfigError, Dial> {
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
  const file = path.join(folder, "token")
  const credentials = everyMinute(
    "service account",
    Effect.gen(function* () {
      const ca = yield* read(path.join(folder, "ca.crt"))
      return { tls: { ca }, token: yield* tokenIn(file, "", file) }
    })
  )
  yield* credentials.current
  const namespace = yield* read(path.join(folder, "namespace"))
  return {
    server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    credentials,
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
): Effect.fn.Return<KubeConfig, KubeConfigError, Dial> {
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
