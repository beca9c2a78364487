/** Clients of the clusters that Cluster API makes, from the Secrets in which it keeps their kubeconfigs. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import { Secret } from "../../schemas/kube/Core.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import { Dial } from "../Dial.ts"
import { KubeClient } from "./KubeClient.ts"
import { make as makeClient } from "./KubeClientLive.ts"
import type { KubeConfig } from "./KubeConfig.ts"
import { KubeConfigError } from "./KubeConfigError.ts"
import type { Remembered } from "./KubeCredentials.ts"
import { remember } from "./KubeCredentials.ts"
import type { WorkloadAccess } from "./WorkloadKubeconfig.ts"
import { parse } from "./WorkloadKubeconfig.ts"

/** A Secret is read again after so long; Secrets are not watched (design D21). */
const reread = 60_000
/** Connections nobody uses are closed after so long. */
const idle = "10 minutes"
/** A cluster that does not answer holds up whoever asks about it for no longer; connecting counts. */
const timeout = "10 seconds"

/** The Secret's key in which Cluster API keeps the kubeconfig. */
const value = "value"

/**
 * ## Expected flow
 * `client` reads `<cluster>-kubeconfig` in the Cluster's namespace and answers a client that is shared with all who ask
 * for that cluster, for as long as the caller's scope is open.
 *
 * ## Guarantees
 * - A Secret is read with `get` alone, at most once a minute and cluster; and again, but for ten seconds, when the cluster
 *   answers 401. What it says then holds from the next request on, also for clients that are out.
 * - Nothing that failed is remembered: the next call looks again.
 * - Clusters share nothing: one that is dead costs those who ask for it ten seconds a try, and nobody else anything.
 *
 * ## Errors
 * KubeConfigError, fit for a condition: `NotFound` no such Secret yet; `Unreadable` the management API refused it;
 * `Malformed` and `NotAllowed` (see WorkloadKubeconfig) name the field.
 */
export class WorkloadClusters extends Context.Service<
  WorkloadClusters,
  {
    /** `cluster` is the key of the Cluster. */
    readonly client: (cluster: ObjectKey) => Effect.Effect<KubeClient["Service"], KubeConfigError, Scope.Scope>
  }
>()("capscvmm/layers/WorkloadClusters") {
  static readonly layer: Layer.Layer<WorkloadClusters, never, KubeClient | Dial> = Layer.effect(
    WorkloadClusters,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const management = yield* KubeClient
  const home = yield* Effect.context<Dial>()

  const look = Effect.fnUntraced(function* ({ namespace, name }: ObjectKey) {
    const key = { namespace, name: `${name}-kubeconfig` }
    const path = `Secret ${key.namespace}/${key.name}`
    const secret = yield* Effect.mapError(management.get(Secret, key), (error) =>
      error._tag === "KubeNotFound"
        ? new KubeConfigError({ reason: "NotFound", path, field: "", detail: "there is no such Secret" })
        : new KubeConfigError({ reason: "Unreadable", path, field: "", detail: error.message })
    )
    const source = Result.getOrUndefined(Base64.decodeString(secret.data?.[value] ?? ""))
    if (source === undefined || source === "") {
      return yield* new KubeConfigError({ reason: "Malformed", path, field: value, detail: "missing" })
    }
    const access = yield* Effect.fromResult(parse(path, source))
    const renewAt = (yield* Clock.currentTimeMillis) + reread
    // Without its Secret a cluster is not ours to reach.
    return { value: access, renewAt, badAt: renewAt }
  })

  const accesses = yield* RcMap.make({
    idleTimeToLive: idle,
    lookup: (cluster: ObjectKey) => Effect.succeed(remember(`${cluster.namespace}/${cluster.name}`, look(cluster)))
  })

  const configOf = (server: string, access: Remembered<WorkloadAccess>): KubeConfig => ({
    server,
    namespace: "default",
    credentials: {
      forget: access.forget,
      current: Effect.flatMap(access.current, ({ server: now, ca, serverName, client, token }) =>
        // What belongs to another server is not shown to this one.
        now === server
          ? Effect.succeed({ token, tls: { ca, ...(serverName !== undefined && { serverName }), ...client } })
          : new KubeConfigError({
              reason: "Failed",
              path: server,
              field: "",
              detail: "the cluster's server is another"
            })
      )
    }
  })

  const clients = yield* RcMap.make({
    idleTimeToLive: idle,
    lookup: ({ cluster, server }: { readonly cluster: ObjectKey; readonly server: string }) =>
      Effect.gen(function* () {
        const access = yield* RcMap.get(accesses, cluster)
        return yield* makeClient(configOf(server, access), { timeout, host: "workload" })
      }).pipe(
        // In the layer's context: the span of whoever asks first is not the parent of all that follows.
        Effect.updateContext((mine: Context.Context<Scope.Scope>) =>
          Context.add(home, Scope.Scope, Context.get(mine, Scope.Scope))
        )
      )
  })

  const client = Effect.fn("WorkloadClusters.client")(function* ({ namespace, name }: ObjectKey) {
    const cluster = { namespace, name }
    const access = yield* RcMap.get(accesses, cluster)
    const { server } = yield* access.current
    return yield* RcMap.get(clients, { cluster, server })
  })

  return WorkloadClusters.of({ client })
})
