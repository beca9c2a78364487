/** The kubeconfig of a workload cluster, which a tenant may have written: everything inline, nothing run, nothing read; pure. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Described, Material } from "./KubeConfigFile.ts"
import { describe, parse as parseFile } from "./KubeConfigFile.ts"

/** A kubeconfig of kubeadm has 6 KiB. The time of the parser, and with it everybody's, is not a tenant's to take. */
const longest = 64 * 1024

const allowed =
  "a workload cluster's kubeconfig has an https server, its CA, and a client certificate or token, all inline"

export interface WorkloadAccess {
  /** https://host[:port][/prefix], no slash at the end. */
  readonly server: string
  readonly ca: string
  readonly serverName: string | undefined
  /** PEM. */
  readonly client: { readonly cert: string; readonly key: Redacted.Redacted } | undefined
  readonly token: Redacted.Redacted | undefined
}

const inline = (material: Material | undefined): Redacted.Redacted | undefined =>
  material?._tag === "Inline" ? material.pem : undefined

/** The field that makes it unfit, when there is one. Fields are named as KubeConfigFile names them. */
const forbidden = (described: Described): string | undefined => {
  const file = [described.ca, described.cert, described.key].find((material) => material?._tag === "File")
  return (
    described.logOn?.field ??
    file?.field ??
    described.tokenFile?.field ??
    described.insecure ??
    (described.server.startsWith("https:") ? undefined : "cluster.server")
  )
}

/**
 * `origin` names the Secret in messages. Fails with `NotAllowed` where a field asks for what no Secret may ask for (exec,
 * auth-provider, a file, insecure-skip-tls-verify, proxy-url, a password, impersonation, plain http), with `Malformed`
 * for the rest; both name the field.
 */
export const parse = (origin: string, source: string): Result.Result<WorkloadAccess, KubeConfigError> =>
  Result.gen(function* () {
    const refused = (reason: "Malformed" | "NotAllowed", field: string, detail: string) =>
      Result.fail(new KubeConfigError({ reason, path: origin, field, detail }))
    if (source.length > longest) return yield* refused("Malformed", "", `longer than ${longest / 1024} KiB`)
    const described = yield* Result.mapError(
      Result.flatMap(parseFile(origin, source), (parsed) => describe([parsed], undefined)),
      (error) =>
        error.reason === "Unsupported"
          ? new KubeConfigError({ reason: "NotAllowed", path: origin, field: error.field, detail: allowed })
          : error
    )
    const field = forbidden(described)
    if (field !== undefined) return yield* refused("NotAllowed", field, allowed)
    const { server, serverName, token } = described
    const [ca, cert, key] = [inline(described.ca), inline(described.cert), inline(described.key)]
    if (ca === undefined) return yield* refused("Malformed", "cluster.certificate-authority-data", "missing")
    if (token === undefined && (cert === undefined || key === undefined)) {
      return yield* refused("Malformed", "user", "neither a token nor a client certificate with its key")
    }
    return {
      server,
      serverName,
      token,
      ca: Redacted.value(ca),
      client: cert === undefined || key === undefined ? undefined : { cert: Redacted.value(cert), key }
    }
  })
