/** What the simulated users do, as steps of scenarios: clusters come, grow, shrink and go. */
import * as Effect from "effect/Effect"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, objects, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { ScvmmProvider } from "../../schemas/scvmm/ScvmmProvider.ts"
import type { Universe } from "./Universe.ts"
import { execHosts } from "./Universe.ts"

export interface Replicas {
  readonly controlPlanes: number
  readonly workers: number
}

export const condition = (object: KubeJson, type: string): string =>
  text(
    objects(object, "status", "conditions").find((candidate) => text(candidate, "type") === type),
    "status"
  )

/** Writes all objects of a cluster, its provider included. */
export const bringUp = Effect.fnUntraced(function* (universe: Universe, replicas: Replicas) {
  const { target, world } = universe
  for (const { kind, object } of Demo.manifests(target, replicas)) {
    yield* Effect.orDie(
      world.access.create(kind, target.namespace, { apiVersion: Core.apiVersion(kind), kind: kind.kind, ...object })
    )
    if (kind.kind === ScvmmProvider.kind) {
      const spec = { execHosts }
      yield* Effect.orDie(world.access.mergePatch(kind, target.namespace, text(object, "metadata", "name"), { spec }))
    }
  }
})

/** Until so many machines are Ready and have their Nodes. */
export const untilReady = (universe: Universe, machines: number): Effect.Effect<ReadonlyArray<KubeJson>> =>
  universe.until(
    Effect.gen(function* () {
      const { access } = universe.world
      const infra = (yield* access.list(Core.ScvmmMachine, "")).items
      if (infra.length !== machines || !infra.every((object) => condition(object, "Ready") === "True")) return undefined
      const owners = (yield* access.list(Core.Machine, "")).items
      return owners.every((machine) => at(machine, "status", "nodeRef", "name") !== undefined) ? infra : undefined
    }).pipe(Effect.orDie)
  )

/** Deletes the cluster, and waits until nothing of it is there any more. */
export const remove = (universe: Universe): Effect.Effect<void> =>
  Effect.andThen(
    universe.world.access.delete(Core.Cluster, universe.target.namespace, Demo.clusterName),
    universe.until(
      Effect.map(universe.world.access.find(Core.Cluster, universe.target.namespace, Demo.clusterName), (cluster) =>
        cluster === undefined ? true : undefined
      ).pipe(Effect.orDie)
    )
  ).pipe(Effect.orDie, Effect.asVoid)

export const scale = (universe: Universe, workers: number): Effect.Effect<void> =>
  universe.world.access
    .mergePatch(Core.MachineDeployment, universe.target.namespace, Demo.workers, { spec: { replicas: workers } })
    .pipe(Effect.orDie, Effect.asVoid)
