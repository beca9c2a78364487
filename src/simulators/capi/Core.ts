/** The least of Cluster API's core controllers: one level-based pass over everything, run whenever something changed. */
import * as Effect from "effect/Effect"
import type { KubeJson } from "../kube/KubeJson.ts"
import { text } from "../kube/KubeJson.ts"
import { reconcileCluster } from "./Clusters.ts"
import * as Core from "./CoreApi.ts"
import type { Workload } from "./Machines.ts"

const ofCluster = (objects: ReadonlyArray<KubeJson>, cluster: KubeJson): ReadonlyArray<KubeJson> =>
  objects.filter(
    (object) =>
      text(object, "metadata", "namespace") === text(cluster, "metadata", "namespace") &&
      (text(object, "spec", "clusterName") || text(object, "metadata", "labels", Core.clusterLabel)) ===
        text(cluster, "metadata", "name")
  )

/** Every pass reads all it needs, so that one that was cut is repaired by the next. */
export const pass = Effect.fnUntraced(function* (api: Core.CoreApi, workload: Workload) {
  const clusters = yield* api.list(Core.Cluster)
  if (clusters.length === 0) return
  const controlPlanes = yield* api.list(Core.KubeadmControlPlane)
  const deployments = yield* api.list(Core.MachineDeployment)
  const machines = yield* api.list(Core.Machine)
  yield* Effect.forEach(
    clusters,
    (cluster) =>
      reconcileCluster(api, workload, cluster, {
        controlPlanes: ofCluster(controlPlanes, cluster),
        deployments: ofCluster(deployments, cluster),
        machines: ofCluster(machines, cluster)
      }),
    { discard: true }
  )
})

/** Runs passes for ever, each after `wait`: what changed meanwhile is seen at the next one. */
export const run = (api: Core.CoreApi, workload: Workload, wait: Effect.Effect<unknown>) =>
  Effect.forever(Effect.andThen(pass(api, workload), wait))
