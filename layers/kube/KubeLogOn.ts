/** Credentials that a kubeconfig has somebody else make: an exec plugin, an OpenID Connect issuer. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import type { Dial, Tls } from "../Dial.ts"
import * as ExecPlugin from "./ExecPlugin.ts"
import type { Described } from "./KubeConfigFile.ts"
import { material } from "./KubeConfigFile.ts"
import type { LogOn } from "./KubeConfigLogOn.ts"
import { pem } from "./KubeConfigMaterial.ts"
import type { CredentialSource, Remembered } from "./KubeCredentials.ts"
import * as OidcToken from "./OidcToken.ts"

export const exec = (described: Described, tls: Tls, logOn: Extract<LogOn, { readonly _tag: "Exec" }>) =>
  ExecPlugin.make({
    ...logOn,
    cluster: {
      server: described.server,
      ...(described.serverName !== undefined && { "tls-server-name": described.serverName }),
      ...(described.insecure !== undefined && { "insecure-skip-tls-verify": true }),
      ...(tls.ca !== undefined && { "certificate-authority-data": Base64.encode(tls.ca) }),
      ...(logOn.extension !== undefined && { config: logOn.extension })
    }
  })

export const oidc = (dial: Dial["Service"], { origin, field, config }: Extract<LogOn, { readonly _tag: "Oidc" }>) => {
  const secret = (key: string) => {
    const value = config[key] ?? ""
    return value === "" ? undefined : Redacted.make(value)
  }
  const ca = (name: string) => `${field}.config.${name}`
  const tls = Effect.gen(function* () {
    const name = "idp-certificate-authority"
    const bundle = yield* pem(
      yield* Effect.fromResult(material(origin, ca(name), config[`${name}-data`], config[name]))
    )
    return bundle === undefined ? {} : { ca: Redacted.value(bundle) }
  })
  const settings = {
    issuer: config["idp-issuer-url"] ?? "",
    clientId: config["client-id"] ?? "",
    clientSecret: secret("client-secret"),
    idToken: secret("id-token"),
    refreshToken: secret("refresh-token"),
    tls
  }
  return OidcToken.make(dial, settings, { path: origin, field })
}

/** What the kubeconfig says itself; a plugin or an issuer adds to it. */
export const add = (
  files: CredentialSource,
  {
    current,
    forget
  }: Remembered<{ readonly token?: Redacted.Redacted; readonly cert?: string; readonly key?: Redacted.Redacted }>
): CredentialSource => ({
  current: Effect.gen(function* () {
    const { tls } = yield* files.current
    const { token, cert, key } = yield* current
    return { token, tls: { ...tls, ...(cert !== undefined && key !== undefined && { cert, key }) } }
  }),
  forget: Effect.andThen(files.forget, forget)
})
