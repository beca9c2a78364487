/** Everything around the operator, simulated: Kubernetes, SCVMM with its guests, the least of Cluster API. Handlers, without a socket. */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type { Scope } from "effect/Scope"
import { crd } from "../../schemas/Crd.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import * as AccessCoreApi from "./capi/AccessCoreApi.ts"
import * as Core from "./capi/Core.ts"
import * as KubeadmGuest from "./guest/KubeadmGuest.ts"
import * as WorkloadClusters from "./guest/WorkloadClusters.ts"
import type { Access } from "./kube/Access.ts"
import * as EmbeddedApiServer from "./kube/EmbeddedApiServer.ts"
import type { Latency } from "./scvmm/Latency.ts"
import * as Scvmm from "./scvmm/Scvmm.ts"
import * as WinRmServer from "./scvmm/WinRmServer.ts"

export interface Options {
  readonly latency: Latency
  readonly pace: KubeadmGuest.Pace
  readonly seed: string
  /** A Kubernetes API to run against; an embedded one with our CRDs unless given. */
  readonly kubernetes?: Access
  /** Bearer tokens of the embedded Kubernetes API. */
  readonly tokens?: EmbeddedApiServer.Options["tokens"]
  /** Functions of SCVMM that stand in for the usual ones of the same name. */
  readonly functions?: Scvmm.Options["functions"]
}

export interface World {
  /** Absent when a Kubernetes API was given. */
  readonly kubernetes: EmbeddedApiServer.EmbeddedApiServer | undefined
  readonly access: Access
  readonly scvmm: Scvmm.Scvmm
  readonly winrm: WinRmServer.WinRmServer
  readonly workloads: WorkloadClusters.WorkloadClusters
  /** Never returns; dies when one of the simulators died. */
  readonly join: Effect.Effect<never>
}

/** Cluster API's core looks again so long after a change: what is written together is seen together. */
const coreInterval = "50 millis"

/** Lives as long as its scope. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<World, never, Scope> {
  const kubernetes =
    options.kubernetes === undefined
      ? yield* EmbeddedApiServer.make({
          crds: kinds.map((kind) => crd(kind)),
          ...(options.tokens !== undefined && { tokens: options.tokens })
        })
      : undefined
  const access = options.kubernetes ?? kubernetes?.inside
  if (access === undefined) return yield* Effect.die("neither a Kubernetes API nor an embedded one")
  const changes = yield* Queue.sliding<void>(1)
  const changed = (): void => void Queue.offerUnsafe(changes, undefined)
  kubernetes?.follow(changed)
  const workloads = yield* WorkloadClusters.make(changed)
  const scvmm = yield* Scvmm.make({
    latency: options.latency,
    seed: options.seed,
    boot: KubeadmGuest.boot(workloads, options.pace),
    ...(options.functions !== undefined && { functions: options.functions })
  })
  const winrm = yield* WinRmServer.make({
    host: scvmm.host,
    users: scvmm.inventory.accounts
  })
  const core = Core.run(
    AccessCoreApi.make(access),
    (endpoint) => {
      const cluster = workloads.find(endpoint)
      return cluster === undefined ? undefined : AccessCoreApi.make(cluster.access)
    },
    // Of a real API's changes nothing is known here.
    kubernetes === undefined
      ? Effect.sleep(coreInterval)
      : Effect.andThen(Queue.take(changes), Effect.sleep(coreInterval))
  )
  return {
    kubernetes,
    access,
    scvmm,
    winrm,
    workloads,
    join: Effect.raceFirst(Effect.raceFirst(core, scvmm.failed), kubernetes?.join ?? Effect.never)
  }
})
