/** The control loop of ScvmmCluster over an embedded API, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import * as ClusterReconciler from "../../../../src/reconcilers/cluster/ClusterReconciler.ts"
import * as Manager from "../../../../src/runtime/Manager.ts"
import * as Core from "../../../../src/simulators/capi/CoreApi.ts"
import { objects } from "../../../../src/simulators/kube/KubeJson.ts"
import { elapse } from "../../../layers/scvmm/Site.ts"
import * as OnApi from "../OnApi.ts"

type World = Effect.Success<typeof OnApi.make>

const { namespace, conditionOf, until } = OnApi
const labels = { [Core.clusterLabel]: "c" }

const crd = { group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions" }

/** Lets the API store what no operator of this version can read. */
const admitAnything = Effect.fnUntraced(function* ({ access }: World) {
  const name = `scvmmmachines.${Core.ScvmmMachine.group}`
  const versions = objects(yield* access.get(crd, "", name), "spec", "versions").map((version) => ({
    ...version,
    schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } }
  }))
  yield* access.mergePatch(crd, "", name, { spec: { versions } })
})

const within = (body: (world: World) => Effect.Effect<void, unknown, Scope.Scope>) =>
  Effect.gen(function* () {
    const world = yield* OnApi.make
    // As from a backup: labelled, and without an ownerReference.
    yield* world.create(Core.ScvmmCluster, "infra", {
      metadata: { labels, finalizers: [Contract.clusterFinalizer] },
      spec: {}
    })
    yield* body(world).pipe(Effect.scoped, elapse("200 millis"))
  }).pipe(Effect.scoped)

const start = (world: World) =>
  Effect.gen(function* () {
    const controller = yield* ClusterReconciler.make({ concurrency: 2 })
    return yield* Manager.run([controller])
  }).pipe(Effect.provide(world.layer()), Effect.forkScoped)

const deletes = Effect.fnUntraced(function* (world: World, pattern: RegExp) {
  yield* world.access.delete(Core.ScvmmCluster, namespace, "infra")
  yield* until(
    pattern.source,
    Effect.map(world.find(Core.ScvmmCluster, "infra"), (object) => pattern.test(conditionOf(object, "Deleting"))),
    5
  )
})

const gone = (world: World, seconds: number) =>
  until(
    "the ScvmmCluster is gone",
    Effect.map(world.find(Core.ScvmmCluster, "infra"), (object) => object === undefined),
    seconds
  )

describe("ClusterReconciler", () => {
  it.effect("a cluster known by its label alone is let go with its last machine", () =>
    within((world) =>
      Effect.gen(function* () {
        yield* world.machine("m", {}, { labels })
        yield* start(world)
        yield* deletes(world, /waiting for 1 ScvmmMachines: m$/u)
        yield* world.access.delete(Core.ScvmmMachine, namespace, "m")
        yield* gone(world, 2)
      })
    )
  )

  it.effect("a machine that cannot be read holds it back until it is gone", () =>
    within((world) =>
      Effect.gen(function* () {
        yield* admitAnything(world)
        yield* world.machine("m", { disks: "as later versions may say it" })
        yield* start(world)
        yield* deletes(world, /m \(cannot be read\)/u)
        yield* world.access.delete(Core.ScvmmMachine, namespace, "m")
        yield* gone(world, 40)
        assert.isUndefined(yield* world.find(Core.ScvmmMachine, "m"))
      })
    )
  )
})
