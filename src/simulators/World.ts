/** Everything around the operator, simulated on the real wire: Kubernetes, SCVMM with its guests, the least of Cluster API. */
import * as Effect from "effect/Effect"
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

/** Lives as long as its scope. */
export const make = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<World, never, Scope> {
  const kubernetes =
    options.kubernetes === undefined
      ? yield* EmbeddedApiServer.make({ crds: kinds.map((kind) => crd(kind)) })
      : undefined
  const access = options.kubernetes ?? kubernetes?.access
  if (access === undefined) return yield* Effect.die("neither a Kubernetes API nor an embedded one")
  const workloads = yield* WorkloadClusters.make
  const scvmm = yield* Scvmm.make({
    latency: options.latency,
    seed: options.seed,
    boot: KubeadmGuest.boot(workloads, options.pace)
  })
  const winrm = yield* WinRmServer.make({ host: scvmm.host, users: scvmm.inventory.accounts })
  const core = Core.run(AccessCoreApi.make(access), (endpoint) => {
    const cluster = workloads.find(endpoint)
    return cluster === undefined ? undefined : AccessCoreApi.make(cluster.access)
  })
  return {
    kubernetes,
    access,
    scvmm,
    winrm,
    workloads,
    join: Effect.raceFirst(Effect.raceFirst(core, scvmm.failed), kubernetes?.join ?? Effect.never)
  }
})
