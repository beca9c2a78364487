/** The contract between a client and an exec credential plugin (client.authentication.k8s.io); pure. */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const text = Schema.optionalKey(Schema.String)

/** users[].user.exec of a kubeconfig. */
export const ExecPlugin = Schema.Struct({
  apiVersion: text,
  command: text,
  args: Schema.optionalKey(Schema.Array(Schema.String)),
  env: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, value: Schema.String }))),
  installHint: text,
  interactiveMode: text,
  provideClusterInfo: Schema.optionalKey(Schema.Boolean)
})
export type ExecPlugin = typeof ExecPlugin.Type

const versions: ReadonlySet<string> = new Set([
  "client.authentication.k8s.io/v1",
  "client.authentication.k8s.io/v1beta1"
])

/** Why a plugin cannot be used, by field ("" is all of it); undefined when it can. */
export const refusal = (plugin: ExecPlugin): { readonly field: string; readonly detail: string } | undefined => {
  if (plugin.command === undefined || plugin.command === "") return { field: "command", detail: "missing" }
  if (!versions.has(plugin.apiVersion ?? "")) {
    return { field: "apiVersion", detail: `neither ${[...versions].join(" nor ")}` }
  }
  // Nobody sits at the terminal of an operator; v1 has no default here, so that its authors decide.
  if (plugin.interactiveMode === "Always") {
    return { field: "interactiveMode", detail: "the plugin wants to talk to a person, and there is none here" }
  }
  if (plugin.interactiveMode === undefined && plugin.apiVersion === "client.authentication.k8s.io/v1") {
    return { field: "interactiveMode", detail: "missing: v1 wants Never or IfAvailable" }
  }
  return undefined
}

/** The cluster as a plugin with provideClusterInfo is told of it; the names are those of the ExecCredential. */
export interface ClusterInfo {
  readonly server: string
  readonly "tls-server-name"?: string
  readonly "insecure-skip-tls-verify"?: boolean
  readonly "certificate-authority-data"?: string
  /** The cluster's extension client.authentication.k8s.io/exec. */
  readonly config?: unknown
}

/** The value of KUBERNETES_EXEC_INFO. */
export const info = (plugin: ExecPlugin, cluster: ClusterInfo): string =>
  JSON.stringify({
    kind: "ExecCredential",
    apiVersion: plugin.apiVersion,
    spec: { interactive: false, ...(plugin.provideClusterInfo === true && { cluster }) }
  })

const Answer = Schema.Struct({
  kind: Schema.Literal("ExecCredential"),
  apiVersion: Schema.String,
  status: Schema.Struct({
    expirationTimestamp: text,
    token: text,
    clientCertificateData: text,
    clientKeyData: text
  })
})
const decode = Schema.decodeUnknownOption(Schema.fromJsonString(Schema.toCodecGoJson(Answer)))

export interface ExecCredential {
  readonly token?: Redacted.Redacted
  /** PEM. */
  readonly cert?: string
  readonly key?: Redacted.Redacted
  /** Milliseconds since the epoch; Infinity when the plugin names no end. */
  readonly expires: number
}

/** What a plugin wrote to stdout; a failure says what is wrong with it and nothing of its content. */
export const parse = (stdout: string, apiVersion: string | undefined): Result.Result<ExecCredential, string> => {
  const answer = Option.getOrUndefined(decode(stdout))
  if (answer === undefined) return Result.fail("its output is not an ExecCredential with a status")
  if (answer.apiVersion !== apiVersion) return Result.fail(`its output is not of apiVersion ${apiVersion}`)
  const { token, clientCertificateData: cert, clientKeyData: key, expirationTimestamp } = answer.status
  const some = (value: string | undefined): value is string => value !== undefined && value !== ""
  if (some(cert) !== some(key)) return Result.fail("certificate and key come together, and one is missing")
  if (!some(token) && !some(cert)) return Result.fail("it gave neither a token nor a client certificate")
  const expires = some(expirationTimestamp) ? Date.parse(expirationTimestamp) : Infinity
  if (Number.isNaN(expires)) return Result.fail("its expirationTimestamp is no time")
  return Result.succeed({
    expires,
    ...(some(token) && { token: Redacted.make(token) }),
    ...(some(cert) && some(key) && { cert, key: Redacted.make(key) })
  })
}

/** What a plugin wrote to stderr, fit for a log: its end, without what looks like a credential or was handed to it as one. */
export const tail = (stderr: string, plugin: ExecPlugin): string => {
  const secrets = (plugin.env ?? []).map(({ value }) => value).filter((value) => value.length >= 4)
  const clean = secrets
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), stderr)
    .replaceAll(/-----BEGIN [^-]*-----[\s\S]*?(?:-----END [^-]*-----|$)/gu, "***")
    .replaceAll(/\b(bearer|basic)\s+\S+/giu, "$1 ***")
    .replaceAll(/((?:password|passwd|secret|token|api[-_]?key)["']?\s*[=:]\s*)\S+/giu, "$1***")
    .replaceAll(/[\w+/=.-]{40,}/gu, "***")
    .replaceAll(/\s+/gu, " ")
    .trim()
  return clean.length > 400 ? `…${clean.slice(-400)}` : clean
}
