/** The control loop of ScvmmProvider: are its hosts reachable, does the log-on work, which versions are there? */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import * as Contract from "../../../schemas/capi/Contract.ts"
import type { Finding } from "../../../schemas/kube/Condition.ts"
import { Secret } from "../../../schemas/kube/Core.ts"
import type { ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import { apiVersion } from "../../../schemas/kube/Resource.ts"
import { ScvmmProvider } from "../../../schemas/scvmm/ScvmmProvider.ts"
import { Events } from "../../../layers/kube/Events.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import type { ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Action from "../../runtime/Action.ts"
import * as Controller from "../../runtime/Controller.ts"
import { Informers } from "../../runtime/Informers.ts"
import * as Status from "../../runtime/Status.ts"
import * as Triggers from "../../runtime/Triggers.ts"
import type { Problem } from "./Connection.ts"
import { connectionOf } from "./Connection.ts"

/** A Secret is not watched (design D21), and a host may come back: both are looked at again. */
const retryAfter = Duration.seconds(30)
const checkAfter = Duration.minutes(10)

const reasonOf = (error: ScvmmError): string => {
  if (error._tag === "ScvmmHostUnavailable") return error.reason
  return error._tag === "ScvmmAuthenticationFailed" ? "AuthenticationFailed" : "SessionFailed"
}

const remedyOf = (error: ScvmmError): string =>
  error._tag === "ScvmmAuthenticationFailed"
    ? `${error.message}. Correct the Secret; the log-on is not repeated before it changes, so that the account is not locked`
    : error.message

const unavailable = (reason: string, message: string): ReadonlyArray<Finding> => [
  { type: Contract.Condition.scvmmAvailable, status: "False", reason, message },
  { type: Contract.Condition.ready, status: "False", reason: Contract.Reason.notReady, message }
]

const usable = (connection: ProviderConnection): ReadonlyArray<Finding> => [
  {
    type: Contract.Condition.scvmmAvailable,
    status: "True",
    reason: Contract.Reason.available,
    message: connection.insecureSkipVerify
      ? "spec.transport.insecureSkipVerify is true: nobody checks who the host is"
      : ""
  },
  { type: Contract.Condition.ready, status: "True", reason: Contract.Reason.ready, message: "" }
]

/** The Secret of the provider's own namespace; a namespace in the reference is ignored (design D21). */
const credentials = Effect.fn("ProviderReconciler.credentials")(function* (provider: ScvmmProvider) {
  const kube = yield* KubeClient
  const name = provider.spec.scvmmSecret?.name
  if (name === undefined) {
    return {
      _tag: "Problem",
      reason: "CredentialsInvalid",
      message: "spec.scvmmSecret.name names no Secret"
    } satisfies Problem
  }
  const namespace = provider.metadata.namespace ?? ""
  return yield* kube.get(Secret, { namespace, name }).pipe(
    Effect.map((secret) => ({
      _tag: "Credentials" as const,
      resourceVersion: secret.metadata.resourceVersion,
      data: Object.fromEntries(
        Object.entries(secret.data ?? {}).map(([key, value]) => [
          key,
          Result.getOrElse(Base64.decodeString(value), () => "")
        ])
      )
    })),
    Effect.catchTag("KubeNotFound", () =>
      Effect.succeed({
        _tag: "Problem",
        reason: "SecretNotFound",
        message: `Secret "${namespace}/${name}" does not exist; create it with the keys username and password`
      } satisfies Problem)
    )
  )
})

const regarding = (provider: ScvmmProvider) => ({
  apiVersion: apiVersion(ScvmmProvider),
  kind: ScvmmProvider.kind,
  namespace: provider.metadata.namespace ?? "",
  name: provider.metadata.name,
  uid: provider.metadata.uid
})

/** A tenant's provider must not fetch another namespace's password: the field is ignored, and that is said (design D21). */
const warnOfNamespace = Effect.fnUntraced(function* (provider: ScvmmProvider) {
  const named = provider.spec.scvmmSecret?.namespace
  if (named === undefined || named === provider.metadata.namespace) return
  const events = yield* Events
  const message = `spec.scvmmSecret.namespace "${named}" is ignored: the Secret is that of the provider's own namespace`
  yield* events.publish(regarding(provider), { type: "Warning", reason: "SecretNamespaceIgnored", message })
})

/**
 * Expected flow: Secret read → connection made → a session dialled, or an open one used → Providers told.
 * Guarantees: a refused log-on is not repeated before Secret or spec change; nothing periodic is written to status.
 */
export const make = Effect.fnUntraced(function* (options: { readonly concurrency: number }) {
  const informers = yield* Informers
  const store = yield* informers.store(ScvmmProvider)

  const refuse = Effect.fnUntraced(function* (
    provider: ScvmmProvider,
    key: ObjectKey,
    reason: string,
    message: string,
    fields: Status.Desired["fields"]
  ) {
    const providers = yield* Providers
    const events = yield* Events
    yield* providers.refuse(key)
    yield* Status.write(ScvmmProvider, provider, {
      ...(fields !== undefined && { fields }),
      findings: unavailable(reason, message)
    })
    yield* events.publish(regarding(provider), { type: "Warning", reason, message })
    return Action.requeueAfter(retryAfter)
  })

  const reconcile = Effect.fn("ProviderReconciler.reconcile")(function* (key: ObjectKey) {
    const providers = yield* Providers
    const sessions = yield* ScvmmSession
    const provider = store.get(key)
    if (provider === undefined) {
      yield* providers.remove(key)
      return Action.done
    }
    const isPaused = provider.metadata.annotations?.[Contract.pausedAnnotation] !== undefined
    const pause: Finding = {
      type: Contract.Condition.paused,
      status: isPaused ? "True" : "False",
      reason: isPaused ? Contract.Reason.paused : Contract.Reason.notPaused,
      message: isPaused ? "ScvmmProvider has the cluster.x-k8s.io/paused annotation" : ""
    }
    if (isPaused) {
      yield* Status.write(ScvmmProvider, provider, { findings: [pause] })
      return Action.done
    }
    const read = yield* credentials(provider)
    if (read._tag === "Problem") return yield* refuse(provider, key, read.reason, read.message, undefined)
    const connection = connectionOf(provider, read)
    if ("_tag" in connection) return yield* refuse(provider, key, connection.reason, connection.message, undefined)
    const hosts = Effect.map(sessions.hosts(connection.uid), (list) => ({
      execHosts: list.map(({ host, ok, message }) => ({
        host,
        status: ok ? "OK" : "Failed",
        ...(message !== undefined && { message })
      }))
    }))
    return yield* sessions
      .use(connection, (session) => Effect.succeed(session.server))
      .pipe(
        Effect.matchEffect({
          onFailure: (error) =>
            Effect.flatMap(hosts, (fields) => refuse(provider, key, reasonOf(error), remedyOf(error), fields)),
          onSuccess: (server) =>
            Effect.gen(function* () {
              yield* providers.set(key, connection)
              yield* warnOfNamespace(provider)
              yield* Status.write(ScvmmProvider, provider, {
                fields: { ...(yield* hosts), version: { module: server.ModuleVersion, server: server.ProductVersion } },
                findings: [pause, ...usable(connection)]
              })
              return Action.requeueAfter(checkAfter)
            })
        })
      )
  })

  return Controller.make({
    name: "scvmmprovider",
    resource: ScvmmProvider,
    concurrency: options.concurrency,
    reconcile,
    triggers: [Triggers.self(ScvmmProvider)]
  })
})
