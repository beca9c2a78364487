/** Reading kubeconfig documents: pure, from text to what has to be fetched and from where. */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Yaml from "yaml"
import { ExecPlugin } from "./ExecCredential.ts"
import type { KubeConfigError } from "./KubeConfigError.ts"
import { malformed, unsupported } from "./KubeConfigError.ts"
import type { LogOn } from "./KubeConfigLogOn.ts"
import { AuthProvider, logOnOf } from "./KubeConfigLogOn.ts"

const text = Schema.optionalKey(Schema.String)
const anything = Schema.optionalKey(Schema.Unknown)
const flag = Schema.optionalKey(Schema.Boolean)

const Cluster = Schema.Struct({
  server: text,
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": flag,
  "tls-server-name": text,
  "proxy-url": text,
  extensions: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, extension: Schema.Unknown })))
})
const User = Schema.Struct({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  username: text,
  as: anything,
  "as-uid": anything,
  "as-groups": anything,
  "as-user-extra": anything,
  exec: Schema.optionalKey(ExecPlugin),
  "auth-provider": Schema.optionalKey(AuthProvider)
})
const ContextEntry = Schema.Struct({ cluster: text, user: text, namespace: text })

const Document = Schema.Struct({
  "current-context": text,
  clusters: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, cluster: Cluster }))),
  users: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, user: User }))),
  contexts: Schema.optionalKey(Schema.Array(Schema.Struct({ name: Schema.String, context: ContextEntry })))
})

export interface Parsed {
  readonly path: string
  readonly document: typeof Document.Type
}

/** A PEM text, or the file that holds it. `field` and `origin` are for messages. */
export type Material = { readonly origin: string; readonly field: string } & (
  | { readonly _tag: "Inline"; readonly pem: Redacted.Redacted }
  | { readonly _tag: "File"; readonly path: string }
)

/** One context of a kubeconfig, with files not read yet. Relative file names are still relative to `origin`'s folder. */
export interface Described {
  readonly server: string
  readonly ca?: Material
  readonly cert?: Material
  readonly key?: Material
  readonly token?: Redacted.Redacted
  readonly tokenFile?: { readonly origin: string; readonly field: string; readonly path: string }
  readonly logOn?: LogOn
  /** The field that turns the verification of the server off, when it does. */
  readonly insecure: string | undefined
  readonly serverName?: string
  readonly namespace: string
}

const decode = Schema.decodeUnknownResult(Schema.toCodecGoJson(Document))

/** Parses one kubeconfig, YAML or JSON. Messages carry positions and fields, never contents: those are secrets. */
export const parse = (path: string, source: string): Result.Result<Parsed, KubeConfigError> => {
  const lines = new Yaml.LineCounter()
  const document = Result.getOrUndefined(
    // The parser is recursive: a document that nests without end ends the stack. And its search for duplicates, of which kubectl
    // takes the last as well, compares each key with each: seconds for what a tenant may write.
    Result.try(() => Yaml.parseDocument(source, { prettyErrors: false, lineCounter: lines, uniqueKeys: false }))
  )
  if (document === undefined) return Result.fail(malformed(path, "", "nested too deep"))
  const [error] = document.errors
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0])
    return Result.fail(malformed(path, `line ${line}, column ${col}`, `not YAML (${error.code})`))
  }
  const value: unknown = Result.getOrUndefined(Result.try((): unknown => document.toJS()))
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return Result.fail(malformed(path, "", "not a kubeconfig: a mapping is expected"))
  }
  return Result.match(decode(value), {
    onSuccess: (document) => Result.succeed({ path, document }),
    onFailure: (error) => {
      const [what = "", where = ""] = error.message.split(/\n\s*at /u)
      return Result.fail(malformed(path, where.replaceAll(/\["?([^"\]]+)"?\]/gu, ".$1").replace(/^\./u, ""), what))
    }
  })
}

/** The first entry of that name, and the file it comes from: as kubectl merges several files. */
const lookUp = <A extends { readonly name: string }>(
  files: ReadonlyArray<Parsed>,
  list: (document: Parsed["document"]) => ReadonlyArray<A> | undefined,
  name: string
): { readonly entry: A; readonly path: string } | undefined => {
  for (const { path, document } of files) {
    const entry = list(document)?.find((it) => it.name === name)
    if (entry !== undefined) return { entry, path }
  }
  return undefined
}

export const material = (
  origin: string,
  field: string,
  data: string | undefined,
  file: string | undefined
): Result.Result<Material | undefined, KubeConfigError> => {
  if (data !== undefined && data !== "") {
    const decoded = Result.getOrUndefined(Base64.decodeString(data.replaceAll(/\s/gu, "")))
    return decoded === undefined || !decoded.includes("-----BEGIN ")
      ? Result.fail(malformed(origin, `${field}-data`, "not PEM in base64"))
      : Result.succeed({ _tag: "Inline", origin, field: `${field}-data`, pem: Redacted.make(decoded) })
  }
  return Result.succeed(file === undefined || file === "" ? undefined : { _tag: "File", origin, field, path: file })
}

/** The server's URL without a trailing slash, or undefined when it is none. */
export const serverUrl = (server: string): string | undefined => {
  if (!URL.canParse(server)) return undefined
  const url = new URL(server)
  if (url.protocol !== "https:" && url.protocol !== "http:") return undefined
  return (url.origin + url.pathname).replace(/\/+$/u, "")
}

/**
 * One context (the current one when not named) of kubeconfigs in their order of precedence.
 * Fails with Malformed (field missing or wrong) or Unsupported (password, impersonation, proxy, an auth provider other
 * than oidc).
 */
export const describe = (
  files: ReadonlyArray<Parsed>,
  wanted: string | undefined
): Result.Result<Described, KubeConfigError> =>
  Result.gen(function* () {
    const all = files.map((file) => file.path).join(":")
    const current =
      wanted ?? files.map((file) => file.document["current-context"]).find((it) => it !== undefined && it !== "")
    if (current === undefined) return yield* Result.fail(malformed(all, "current-context", "missing"))
    const context = lookUp(files, (document) => document.contexts, current)
    if (context === undefined) {
      return yield* Result.fail(malformed(all, "contexts", `no context is named ${JSON.stringify(current)}`))
    }
    const clusterName = context.entry.context.cluster ?? ""
    const found = lookUp(files, (document) => document.clusters, clusterName)
    if (found === undefined) {
      const detail = `no cluster is named ${JSON.stringify(clusterName)}`
      return yield* Result.fail(malformed(context.path, `contexts.${current}.context.cluster`, detail))
    }
    const { cluster } = found.entry
    const at = (field: string) => `clusters.${clusterName}.cluster.${field}`
    const server = serverUrl(cluster.server ?? "")
    if (server === undefined) {
      const detail = cluster.server === undefined ? "missing" : "not an http or https URL"
      return yield* Result.fail(malformed(found.path, at("server"), detail))
    }
    if (cluster["proxy-url"] !== undefined && cluster["proxy-url"] !== "") {
      return yield* Result.fail(unsupported(found.path, at("proxy-url"), "a proxy"))
    }
    const ca = yield* material(
      found.path,
      at("certificate-authority"),
      cluster["certificate-authority-data"],
      cluster["certificate-authority"]
    )

    const userName = context.entry.context.user ?? ""
    const user = userName === "" ? undefined : lookUp(files, (document) => document.users, userName)
    if (user === undefined && userName !== "") {
      const detail = `no user is named ${JSON.stringify(userName)}`
      return yield* Result.fail(malformed(context.path, `contexts.${current}.context.user`, detail))
    }
    const path = user?.path ?? context.path
    const who = user?.entry.user ?? {}
    const of = (field: string) => `users.${userName}.user.${field}`
    if (who.username !== undefined) return yield* Result.fail(unsupported(path, of("username"), "a password"))
    const impersonated = (["as", "as-uid", "as-groups", "as-user-extra"] as const).find((it) => who[it] !== undefined)
    if (impersonated !== undefined) return yield* Result.fail(unsupported(path, of(impersonated), "impersonation"))
    const cert = yield* material(
      path,
      of("client-certificate"),
      who["client-certificate-data"],
      who["client-certificate"]
    )
    const key = yield* material(path, of("client-key"), who["client-key-data"], who["client-key"])
    if ((cert === undefined) !== (key === undefined)) {
      const field = of(cert === undefined ? "client-certificate" : "client-key")
      return yield* Result.fail(malformed(path, field, "missing: certificate and key come together"))
    }
    const logOn = yield* logOnOf(path, of, who, cluster.extensions)
    const serverName = cluster["tls-server-name"]
    return {
      server,
      insecure: cluster["insecure-skip-tls-verify"] === true ? at("insecure-skip-tls-verify") : undefined,
      namespace: context.entry.context.namespace ?? "default",
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
      ...(who.token !== undefined && who.token !== "" && { token: Redacted.make(who.token) }),
      ...(who.tokenFile !== undefined &&
        who.tokenFile !== "" && { tokenFile: { origin: path, field: of("tokenFile"), path: who.tokenFile } }),
      ...(logOn !== undefined && { logOn }),
      ...(serverName !== undefined && serverName !== "" && { serverName })
    }
  })
