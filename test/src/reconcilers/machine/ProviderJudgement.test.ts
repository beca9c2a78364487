/** What a machine does about the judgement of its provider, over an embedded API in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Providers } from "../../../../layers/scvmm/Providers.ts"
import * as MachineReconciler from "../../../../src/reconcilers/machine/MachineReconciler.ts"
import { Informers } from "../../../../src/runtime/Informers.ts"
import * as Manager from "../../../../src/runtime/Manager.ts"
import * as Core from "../../../../src/simulators/capi/CoreApi.ts"
import { strings } from "../../../../src/simulators/kube/KubeJson.ts"
import { ScvmmProvider } from "../../../../schemas/scvmm/ScvmmProvider.ts"
import { connection, elapse } from "../../../layers/scvmm/Site.ts"
import * as OnApi from "../OnApi.ts"

type World = Effect.Success<typeof OnApi.make>

const { namespace, conditionOf, until } = OnApi
const key = { namespace, name: "vmm" }
const spec = { providerRef: key, bootstrap: {} }

const within = (
  before: (world: World) => Effect.Effect<unknown, unknown>,
  body: (world: World) => Effect.Effect<void, unknown, Providers>
) =>
  Effect.gen(function* () {
    const world = yield* OnApi.make
    yield* before(world)
    yield* Effect.gen(function* () {
      yield* (yield* Informers).store(ScvmmProvider)
      const controller = yield* MachineReconciler.make({ concurrency: 2, installation: "installation" })
      yield* Effect.forkScoped(Manager.run([controller]))
      yield* body(world)
    }).pipe(Effect.provide(world.layer()), Effect.scoped, elapse("200 millis"))
  }).pipe(Effect.scoped)

const held = (world: World, name: string) =>
  Effect.map(world.find(Core.ScvmmMachine, name), (object) => strings(object, "metadata", "finalizers").length > 0)

describe("a machine and the judgement of its provider", () => {
  it.effect("writes nothing before there is one, and goes on when it comes", () =>
    within(
      (world) => Effect.andThen(world.provider("vmm"), world.machine("m", spec)),
      (world) =>
        Effect.gen(function* () {
          const before = world.audit.writes()
          yield* Effect.sleep("45 seconds")
          assert.strictEqual(world.audit.writes(), before)
          yield* Providers.use((providers) => providers.set(key, { ...connection, ...key }))
          yield* until("the finalizer", held(world, "m"), 2)
        })
    )
  )

  it.effect("one whose ScvmmCluster names the provider is woken as well", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* world.provider("vmm")
          const labels = { [Core.clusterLabel]: "c" }
          const cluster = yield* world.create(Core.Cluster, "c", {
            spec: { infrastructureRef: { apiGroup: Core.ScvmmCluster.group, kind: "ScvmmCluster", name: "infra" } }
          })
          yield* world.create(Core.ScvmmCluster, "infra", {
            metadata: { labels, ownerReferences: [Core.ownedBy(Core.Cluster, cluster, true)] },
            spec: { providerRef: key }
          })
          yield* world.machine("m", { bootstrap: {} }, { labels })
        }),
      (world) =>
        Effect.gen(function* () {
          const before = world.audit.writes()
          yield* Effect.sleep("40 seconds")
          assert.strictEqual(world.audit.writes(), before)
          yield* Providers.use((providers) => providers.set(key, { ...connection, ...key }))
          yield* until("the finalizer", held(world, "m"), 2)
        })
    )
  )

  it.effect("says so when there is no such provider, or it cannot be used", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* world.provider("vmm")
          yield* world.machine("m", spec)
          yield* world.machine("lost", { ...spec, providerRef: { ...key, name: "nowhere" } })
        }),
      (world) =>
        Effect.gen(function* () {
          const says = (name: string, seconds?: number) =>
            until(
              `${name}: ProviderNotAvailable`,
              Effect.map(world.find(Core.ScvmmMachine, name), (object) =>
                conditionOf(object, "ScvmmAvailable").startsWith("False ProviderNotAvailable")
              ),
              seconds
            )
          yield* says("lost")
          assert.strictEqual(conditionOf(yield* world.find(Core.ScvmmMachine, "m"), "ScvmmAvailable"), "")
          yield* Providers.use((providers) => providers.refuse(key))
          yield* says("m", 2)
        })
    )
  )
})
