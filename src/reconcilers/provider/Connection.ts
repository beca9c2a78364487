/** An ScvmmProvider and its Secret as a value that can be dialled, or the reason why not: pure. */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { ProviderTransport } from "../../../schemas/scvmm/ProviderTransport.ts"
import type { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { clientCertificate, secretKeys } from "../../../layers/scvmm/ClientCertificate.ts"
import { defaultConfiguration } from "../../../layers/scvmm/SiteModule.ts"
import type { ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import * as FeatureGates from "../FeatureGates.ts"
import { extrasOf, problemOf } from "./SessionExtras.ts"

/** The Secret as it was read: base64 values decoded. */
export interface Credentials {
  readonly resourceVersion: string
  readonly data: Readonly<Record<string, string>>
}

/** Something a person must change; `reason` goes into the condition ScvmmAvailable. */
export interface Problem {
  readonly _tag: "Problem"
  readonly reason: string
  readonly message: string
}

const problem = (reason: string, message: string): Problem => ({ _tag: "Problem", reason, message })

const defaultLibraryShare = String.raw`ISOs\cloud-init`

/** Idle seconds before a session is closed, when the provider says 0 or nothing (predecessor §5). */
const defaultKeepAlive = 20

/** execHosts, else the deprecated execHost, else the VMM server itself (checklist 35). */
const execHosts = (spec: ScvmmProvider["spec"]): ReadonlyArray<string> => {
  const hosts = (spec.execHosts ?? []).filter((host) => host !== "")
  if (hosts.length > 0) return hosts
  return [spec.execHost === undefined || spec.execHost === "" ? spec.scvmmHost : spec.execHost]
}

/**
 * Fields that would change what happens, or who may use the provider, and that nothing acts on yet: refused by name, so that
 * nobody relies on them.
 */
const unsupported = (spec: ScvmmProvider["spec"]): ReadonlyArray<string> => [
  ...(spec.allowedNamespaces === undefined ? [] : ["allowedNamespaces"]),
  ...(spec.cloudInit?.fileSystem === "vfat" ? ["cloudInit.fileSystem"] : []),
  ...(spec.cloudInit?.deviceType === undefined || spec.cloudInit.deviceType === "dvd" ? [] : ["cloudInit.deviceType"]),
  ...(spec.orphanPolicy === "Delete" ? ["orphanPolicy"] : [])
]

/** Why over http they are refused. */
const needsTls: { readonly [authentication: string]: string } = {
  Basic: "over http it would be readable",
  Certificate: "over http there are no certificates",
  Kerberos: "over http its messages would be readable"
}

/** What these must not do together: send a password or a message in the clear, or seem to protect one. */
const transportProblem = (
  scheme: "http" | "https",
  authentication: ProviderTransport["authentication"],
  { caBundle, serverCertificateThumbprint }: Partial<ProviderTransport>
): string | undefined => {
  const said = `spec.transport.authentication "${authentication}"`
  if (scheme === "http" && authentication !== undefined && Object.hasOwn(needsTls, authentication)) {
    return `${said} needs spec.transport.scheme "https": ${needsTls[authentication]}`
  }
  const ofTls = [
    ...(caBundle === undefined ? [] : ["caBundle"]),
    ...(serverCertificateThumbprint === undefined ? [] : ["serverCertificateThumbprint"])
  ]
  return scheme === "http" && ofTls.length > 0
    ? `${ofTls.map((field) => `spec.transport.${field}`).join(" and ")} would protect nothing: spec.transport.scheme is "http"; remove it, or use "https"`
    : undefined
}

/**
 * The connection of a provider. Problems: NotSupported, ScvmmHostMissing, CredentialsInvalid (a Secret without its keys, or with a
 * certificate that cannot be used), TransportInvalid (a combination that would send something in the clear, or a bundle that is
 * none), those of SessionExtras.
 */
export const connectionOf = (
  provider: ScvmmProvider,
  credentials: Credentials,
  gates: FeatureGates.FeatureGates = FeatureGates.defaults
): ProviderConnection | Problem => {
  const { spec, metadata } = provider
  const transport: Partial<ProviderTransport> = spec.transport ?? {}
  if (spec.scvmmHost === "") return problem("ScvmmHostMissing", "spec.scvmmHost is empty; name the VMM server")
  const refused = unsupported(spec)
  if (refused.length > 0) {
    const fields = refused.map((field) => `spec.${field}`).join(", ")
    return problem("NotSupported", `this version does not act on ${fields}; remove it to go on`)
  }
  const extrasProblem = problemOf(spec, gates)
  if (extrasProblem !== undefined) return problem(extrasProblem.reason, extrasProblem.message)
  const secretName = spec.scvmmSecret?.name ?? ""
  const missing = ["username", "password"].filter((key) => (credentials.data[key] ?? "") === "")
  if (missing.length > 0) {
    return problem(
      "CredentialsInvalid",
      `Secret "${secretName}" lacks ${missing.map((key) => `data.${key}`).join(" and ")}; add what is missing`
    )
  }
  const scheme = transport.scheme ?? "http"
  const authentication = transport.authentication ?? "Negotiate"
  const wrong = transportProblem(scheme, authentication, transport)
  if (wrong !== undefined) return problem("TransportInvalid", wrong)
  const ca =
    transport.caBundle === undefined
      ? credentials.data["ca.crt"]
      : Result.getOrElse(Base64.decodeString(transport.caBundle), () => "")
  if (ca !== undefined && !ca.includes("-----BEGIN CERTIFICATE-----")) {
    return problem(
      "TransportInvalid",
      `${transport.caBundle === undefined ? `data["ca.crt"] of Secret "${secretName}"` : "spec.transport.caBundle"} is not a PEM bundle of certificates`
    )
  }
  const certificate =
    authentication === "Certificate"
      ? clientCertificate(credentials.data[secretKeys.cert], credentials.data[secretKeys.key])
      : undefined
  if (certificate !== undefined && Result.isFailure(certificate)) {
    const { key, detail } = certificate.failure
    return problem("CredentialsInvalid", `data["${key}"] of Secret "${secretName}" ${detail}`)
  }
  const account = { userName: credentials.data["username"] ?? "", password: credentials.data["password"] ?? "" }
  return {
    uid: metadata.uid,
    namespace: metadata.namespace ?? "",
    name: metadata.name,
    specVersion: String(metadata.generation ?? 0),
    credentialVersion: credentials.resourceVersion,
    scvmmHost: spec.scvmmHost,
    execHosts: execHosts(spec),
    scheme,
    port: transport.port ?? (scheme === "https" ? 5986 : 5985),
    authentication,
    ...(ca !== undefined && { caBundle: ca }),
    ...(transport.serverCertificateThumbprint !== undefined && { thumbprint: transport.serverCertificateThumbprint }),
    insecureSkipVerify: transport.insecureSkipVerify ?? false,
    ...(certificate !== undefined && { clientCertificate: certificate.success }),
    configurationName: transport.configurationName ?? defaultConfiguration,
    operationTimeoutSeconds: transport.operationTimeoutSeconds ?? 60,
    userName: account.userName,
    password: Redacted.make(account.password),
    keepAliveSeconds:
      spec.keepAliveSeconds === undefined || spec.keepAliveSeconds === 0 ? defaultKeepAlive : spec.keepAliveSeconds,
    sessions: spec.sessions,
    libraryShare: spec.cloudInit?.libraryShare ?? defaultLibraryShare,
    adoption: spec.adoption,
    ...extrasOf(spec, account)
  }
}
