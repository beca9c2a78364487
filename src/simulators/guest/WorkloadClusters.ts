/** The Kubernetes APIs that simulated guests bring up: one embedded server per control-plane endpoint. */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import type { Access } from "../kube/Access.ts"
import * as EmbeddedApiServer from "../kube/EmbeddedApiServer.ts"

export interface WorkloadCluster {
  readonly access: Access
  /** Bootstrap tokens that let a node join. */
  readonly tokens: ReadonlySet<string>
}

export interface WorkloadClusters {
  readonly find: (endpoint: string) => WorkloadCluster | undefined
  /** `kubeadm init`: a new API at that endpoint; the one that is there stays. */
  readonly init: (endpoint: string, tokens: ReadonlyArray<string>) => Effect.Effect<WorkloadCluster>
}

/**
 * Servers outlive the guest that started them, as a control plane outlives its first machine.
 * @param changed called with every change in any of them
 */
export const make = Effect.fnUntraced(function* (changed: () => void = () => undefined) {
  const scope = yield* Effect.scope
  const clusters = new Map<string, WorkloadCluster>()
  const workloads: WorkloadClusters = {
    find: (endpoint) => clusters.get(endpoint),
    init: Effect.fnUntraced(function* (endpoint: string, tokens: ReadonlyArray<string>) {
      const known = clusters.get(endpoint)
      if (known !== undefined) return known
      const server = yield* Scope.provide(EmbeddedApiServer.make(), scope)
      server.follow(changed)
      const cluster: WorkloadCluster = { access: server.inside, tokens: new Set(tokens) }
      clusters.set(endpoint, cluster)
      return cluster
    })
  }
  return workloads
})
