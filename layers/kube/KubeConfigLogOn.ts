/** What a kubeconfig says of log-ons that somebody else makes: exec plugins, auth providers; pure. */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ExecPlugin } from "./ExecCredential.ts"
import { refusal } from "./ExecCredential.ts"
import type { KubeConfigError } from "./KubeConfigError.ts"
import { malformed, unsupported } from "./KubeConfigError.ts"

export const AuthProvider = Schema.Struct({
  name: Schema.String,
  config: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})
/** Where a token or a client certificate comes from, if not from the kubeconfig or its files. */
export type LogOn = { readonly origin: string; readonly field: string } & (
  | { readonly _tag: "Exec"; readonly plugin: ExecPlugin; readonly extension: unknown }
  | { readonly _tag: "Oidc"; readonly config: { readonly [key: string]: string } }
)

/** Of one user; `of` names its fields. */
export const logOnOf = (
  origin: string,
  of: (field: string) => string,
  user: { readonly exec?: ExecPlugin; readonly "auth-provider"?: typeof AuthProvider.Type },
  extensions: ReadonlyArray<{ readonly name: string; readonly extension: unknown }> = []
): Result.Result<LogOn | undefined, KubeConfigError> => {
  const { exec: plugin, "auth-provider": provider } = user
  if (plugin !== undefined && provider !== undefined) {
    return Result.fail(malformed(origin, of("exec"), "stands beside auth-provider: one of them must go"))
  }
  if (plugin !== undefined) {
    const refused = refusal(plugin)
    if (refused !== undefined) return Result.fail(malformed(origin, of(`exec.${refused.field}`), refused.detail))
    const extension = extensions.find(({ name }) => name === "client.authentication.k8s.io/exec")?.extension
    return Result.succeed({ _tag: "Exec", origin, field: of("exec"), plugin, extension })
  }
  if (provider === undefined) return Result.succeed(undefined)
  // The others left Kubernetes' clients in 1.26, for exec plugins.
  return provider.name === "oidc"
    ? Result.succeed({ _tag: "Oidc", origin, field: of("auth-provider"), config: provider.config ?? {} })
    : Result.fail(unsupported(origin, of("auth-provider.name"), `the auth provider ${JSON.stringify(provider.name)}`))
}
