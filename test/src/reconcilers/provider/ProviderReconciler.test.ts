/** The control loop of ScvmmProvider over an embedded API, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { Providers } from "../../../../layers/scvmm/Providers.ts"
import * as Contract from "../../../../schemas/capi/Contract.ts"
import * as FeatureGates from "../../../../src/reconcilers/FeatureGates.ts"
import * as ProviderReconciler from "../../../../src/reconcilers/provider/ProviderReconciler.ts"
import type { Selection } from "../../../../src/runtime/Informers.ts"
import * as Manager from "../../../../src/runtime/Manager.ts"
import * as Core from "../../../../src/simulators/capi/CoreApi.ts"
import { strings, text } from "../../../../src/simulators/kube/KubeJson.ts"
import { elapse } from "../../../layers/scvmm/Site.ts"
import * as OnApi from "../OnApi.ts"

type World = Effect.Success<typeof OnApi.make>

const { namespace, ScvmmProvider, conditionOf, until } = OnApi
const key = { namespace, name: "vmm" }
const providerRef = key

/** Runs the body beside the controller. */
const within = (
  body: (world: World, changes: ReadonlyArray<string>) => Effect.Effect<void, unknown, Providers>,
  before: (world: World) => Effect.Effect<unknown, unknown> = () => Effect.void,
  selection?: Selection
) =>
  Effect.gen(function* () {
    const world = yield* OnApi.make
    yield* before(world)
    yield* Effect.gen(function* () {
      const providers = yield* Providers
      const changes: Array<string> = []
      yield* Effect.forkScoped(
        Stream.runForEach(providers.changes, ({ name }) => Effect.sync(() => changes.push(name)))
      )
      const controller = yield* ProviderReconciler.make({ concurrency: 2, gates: FeatureGates.defaults })
      yield* Effect.forkScoped(Manager.run([controller]))
      yield* body(world, changes)
    }).pipe(Effect.provide(world.layer(selection)), Effect.scoped, elapse("200 millis"))
  }).pipe(Effect.scoped)

const prepared = (world: World) => Effect.andThen(world.secret("first"), world.provider("vmm"))

const judgement = Effect.flatMap(Providers, (providers) => providers.get(key))
const usable = until(
  "usable",
  Effect.map(judgement, ({ _tag }) => _tag === "Usable")
)
const version = Effect.map(judgement, (it) => (it._tag === "Usable" ? it.connection.credentialVersion : it._tag))

const says = (world: World, type: string, pattern: RegExp, seconds?: number) =>
  until(
    `${type} ${pattern.source}`,
    Effect.map(world.find(ScvmmProvider, "vmm"), (object) => pattern.test(conditionOf(object, type))),
    seconds
  )

describe("ProviderReconciler", () => {
  it.effect("stores its finalizer before a connection is published", () =>
    within(
      (world, changes) =>
        Effect.gen(function* () {
          yield* usable
          const object = yield* world.find(ScvmmProvider, "vmm")
          assert.deepStrictEqual(strings(object, "metadata", "finalizers"), [Contract.providerFinalizer])
          yield* says(world, "Ready", /^True/u)
          assert.deepStrictEqual(changes, ["vmm"])
        }),
      prepared
    )
  )

  it.effect("deleted with its Secret, it stays usable until the last machine is gone, and is forgotten then", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          const finalizers = ["example/vm"]
          yield* world.machine("named", { providerRef }, { finalizers })
          yield* world.machine("resolved", {}, { finalizers })
          yield* world.access.mergePatch(
            Core.ScvmmMachine,
            namespace,
            "resolved",
            { status: { providerRef } },
            "status"
          )
          yield* world.machine("other", { providerRef: { ...providerRef, name: "another" } })
          yield* usable
          const uid = text(yield* world.find(ScvmmProvider, "vmm"), "metadata", "uid")
          yield* world.access.delete(ScvmmProvider, namespace, "vmm")
          yield* world.access.delete(Core.Secret, namespace, "vmm")
          yield* says(world, "Deleting", /^True Deleting: waiting for 2 .*default\/named, default\/resolved$/u)
          yield* says(world, "ScvmmAvailable", /SecretNotFound/u)
          yield* Effect.sleep("2 minutes")
          assert.strictEqual((yield* judgement)._tag, "Usable")
          assert.deepStrictEqual(world.forgotten, [])
          for (const name of ["named", "resolved"]) {
            assert.isDefined(yield* world.find(ScvmmProvider, "vmm"), name)
            yield* world.access.delete(Core.ScvmmMachine, namespace, name)
            yield* world.access.mergePatch(Core.ScvmmMachine, namespace, name, { metadata: { finalizers: null } })
          }
          // Woken by the machines, well before it looks again by itself.
          yield* until(
            "the provider is gone",
            Effect.map(world.find(ScvmmProvider, "vmm"), (object) => object === undefined),
            5
          )
          yield* until(
            "forgotten",
            Effect.sync(() => world.forgotten.includes(uid)),
            5
          )
          assert.strictEqual((yield* judgement)._tag, "Unjudged")
        }),
      prepared
    )
  )

  it.effect("waits for machines that another instance looks after", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* world.machine("theirs", { providerRef })
          yield* usable
          yield* world.access.delete(ScvmmProvider, namespace, "vmm")
          yield* says(world, "Deleting", /default\/theirs/u)
          yield* world.access.delete(Core.ScvmmMachine, namespace, "theirs")
          yield* until(
            "the provider is gone",
            Effect.map(world.find(ScvmmProvider, "vmm"), (object) => object === undefined),
            40
          )
        }),
      prepared,
      ({ kind }) => (kind === "ScvmmMachine" ? { labelSelector: "mine=yes" } : {})
    )
  )

  it.effect("one that no machine names goes at once, whatever its Secret", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "ScvmmAvailable", /SecretNotFound/u)
          yield* world.access.delete(ScvmmProvider, namespace, "vmm")
          yield* until(
            "the provider is gone",
            Effect.map(world.find(ScvmmProvider, "vmm"), (object) => object === undefined),
            5
          )
        }),
      (world) => world.provider("vmm")
    )
  )

  it.effect("hands off while it is deleted by a move", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* Effect.sleep("10 seconds")
          assert.isDefined(yield* world.find(ScvmmProvider, "vmm"))
          assert.deepStrictEqual(world.logOns, [])
        }),
      (world) =>
        Effect.gen(function* () {
          yield* world.secret("first")
          yield* world.provider("vmm", {
            finalizers: [Contract.providerFinalizer],
            annotations: { [Contract.deleteForMoveAnnotation]: "" }
          })
          yield* world.access.delete(ScvmmProvider, namespace, "vmm")
        })
    )
  )

  it.effect("notices a rotated password within a minute, and tells", () =>
    within(
      (world, changes) =>
        Effect.gen(function* () {
          yield* usable
          const before = yield* version
          world.account.password = "second"
          yield* Effect.sleep("5 seconds")
          yield* world.access.mergePatch(Core.Secret, namespace, "vmm", { data: { password: OnApi.base64("second") } })
          yield* until(
            "another connection",
            Effect.map(version, (now) => now !== before),
            61
          )
          assert.strictEqual((yield* judgement)._tag, "Usable")
          assert.deepStrictEqual(changes, ["vmm", "vmm"])
        }),
      prepared
    )
  )

  it.effect("a wrong password makes it unusable, the right one usable again", () =>
    within(
      (world, changes) =>
        Effect.gen(function* () {
          yield* usable
          yield* world.access.mergePatch(Core.Secret, namespace, "vmm", { data: { password: OnApi.base64("typo") } })
          yield* says(world, "ScvmmAvailable", /^False AuthenticationFailed: .*Correct the Secret/u, 61)
          assert.strictEqual((yield* judgement)._tag, "Unusable")
          yield* world.access.mergePatch(Core.Secret, namespace, "vmm", { data: { password: OnApi.base64("first") } })
          yield* usable
          assert.deepStrictEqual(changes, ["vmm", "vmm", "vmm"])
        }),
      prepared
    )
  )

  it.effect("at rest it looks at the hosts every ten minutes, and writes nothing", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "Ready", /^True/u)
          yield* Effect.sleep("5 seconds")
          const writes = world.audit.writes()
          yield* Effect.sleep("8 minutes")
          assert.lengthOf(world.logOns, 1)
          yield* Effect.sleep("4 minutes")
          assert.lengthOf(world.logOns, 2)
          assert.strictEqual(world.audit.writes(), writes)
        }),
      prepared
    )
  )

  it.effect("says how to let it read a Secret that it may not read", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "ScvmmAvailable", /^False SecretForbidden: .*"default\/vmm".*verb get on secrets/u)
          assert.strictEqual((yield* judgement)._tag, "Unusable")
          world.forbidden.clear()
          yield* usable
        }),
      (world) => {
        world.forbidden.add("/secrets/")
        return prepared(world)
      }
    )
  )

  it.effect("one that is paused is not dialled, and known as not usable", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "Paused", /^True/u)
          assert.strictEqual((yield* judgement)._tag, "Unusable")
          assert.deepStrictEqual(world.logOns, [])
          yield* world.access.mergePatch(ScvmmProvider, namespace, "vmm", {
            metadata: { annotations: { [Contract.pausedAnnotation]: null } }
          })
          yield* usable
          yield* says(world, "Paused", /^False/u)
        }),
      (world) =>
        Effect.andThen(
          world.secret("first"),
          world.provider("vmm", { annotations: { [Contract.pausedAnnotation]: "" } })
        )
    )
  )
})
