/** The Secret of a provider, read and not kept. */
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import { Secret } from "../../../schemas/kube/Core.ts"
import type { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import type { Credentials, Problem } from "./Connection.ts"

const problem = (reason: string, message: string): Problem => ({ _tag: "Problem", reason, message })

/**
 * The Secret of the provider's own namespace; a namespace in the reference is ignored (design D21). Problems:
 * CredentialsInvalid (none named), SecretNotFound, SecretForbidden.
 */
export const read = Effect.fn("ProviderSecret.read")(function* (
  provider: ScvmmProvider
): Effect.fn.Return<Credentials | Problem, KubeError, KubeClient> {
  const kube = yield* KubeClient
  const name = provider.spec.scvmmSecret?.name
  if (name === undefined) return problem("CredentialsInvalid", "spec.scvmmSecret.name names no Secret")
  const namespace = provider.metadata.namespace ?? ""
  return yield* kube.get(Secret, { namespace, name }).pipe(
    Effect.map((secret): Credentials | Problem => ({
      resourceVersion: secret.metadata.resourceVersion,
      data: Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [
          key,
          Result.getOrElse(Base64.decodeString(value), () => "")
        ])
      )
    })),
    Effect.catchTag("KubeNotFound", () =>
      Effect.succeed(
        problem(
          "SecretNotFound",
          `Secret "${namespace}/${name}" does not exist; create it with the keys username and password`
        )
      )
    ),
    Effect.catchTag("KubeForbidden", (error) =>
      // 401 is about the operator's own credentials: nothing can be written then either.
      error.status === 403
        ? Effect.succeed(
            problem(
              "SecretForbidden",
              `the operator may not read Secret "${namespace}/${name}"; bind its service account in namespace "${namespace}" to a role with the verb get on secrets`
            )
          )
        : Effect.fail(error)
    )
  )
})
