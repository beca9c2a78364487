/** What the demo does: a cluster up through a crash of the operator, workers added and taken away, the cluster deleted. */
import * as Effect from "effect/Effect"
import * as Core from "../../simulators/capi/CoreApi.ts"
import { type Crash, crash } from "./Crash.ts"
import * as DemoCluster from "./DemoCluster.ts"
import type { Monitor } from "./Monitor.ts"
import type { Operator } from "./Operator.ts"
import type { Site } from "./Site.ts"
import * as Snapshots from "./Snapshot.ts"
import { plural } from "./View.ts"

export const controlPlanes = 3

/** Workers after the two scale steps, from those at the start. */
export const scaleSteps = (workers: number): readonly [number, number] => [workers + 2, Math.max(workers - 1, 1)]

/**
 * Creates every object, and waits until each Machine has its Node; meanwhile the operator is killed and started again, unless
 * none is given. Refusals of the API are defects of the demo.
 */
export const bringUp = (
  site: Site,
  monitor: Monitor,
  workers: number,
  operator: Operator | undefined
): Effect.Effect<Crash | undefined> =>
  monitor.step(
    `bring up ${plural(controlPlanes, "control-plane machine")} and ${plural(workers, "worker")}`,
    Effect.gen(function* () {
      for (const { kind, object } of DemoCluster.manifests(site.target, { controlPlanes, workers })) {
        yield* site.world.access.create(kind, site.target.namespace, {
          apiVersion: Core.apiVersion(kind),
          kind: kind.kind,
          ...object
        })
      }
      const crashed = operator === undefined ? undefined : yield* crash(site.world, monitor, operator)
      yield* monitor.until(Snapshots.isUp(controlPlanes + workers))
      return crashed
    }).pipe(Effect.orDie)
  )

const scale = (site: Site, monitor: Monitor, workers: number): Effect.Effect<void> =>
  monitor.step(
    `scale to ${plural(workers, "worker")}`,
    Effect.andThen(
      site.world.access.mergePatch(Core.MachineDeployment, site.target.namespace, DemoCluster.workers, {
        spec: { replicas: workers }
      }),
      monitor.until(Snapshots.isUp(controlPlanes + workers))
    ).pipe(Effect.orDie)
  )

const remove = (site: Site, monitor: Monitor): Effect.Effect<void> =>
  monitor.step(
    "delete the cluster",
    Effect.andThen(
      site.world.access.delete(Core.Cluster, site.target.namespace, DemoCluster.clusterName),
      monitor.until(Snapshots.isGone)
    ).pipe(Effect.orDie)
  )

/** From a cluster that is up to none. */
export const scaleAndRemove = Effect.fnUntraced(function* (site: Site, monitor: Monitor, workers: number) {
  for (const count of scaleSteps(workers)) yield* scale(site, monitor, count)
  yield* remove(site, monitor)
})
