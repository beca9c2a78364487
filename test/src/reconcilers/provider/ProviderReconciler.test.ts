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
          yield* says(world, "ScvmmAvailable", /^False AuthenticationFailed: .*401.*since/u, 61)
          assert.strictEqual((yield* judgement)._tag, "Unusable")
          yield* world.access.mergePatch(Core.Secret, namespace, "vmm", { data: { password: OnApi.base64("first") } })
          yield* usable
          assert.deepStrictEqual(changes, ["vmm", "vmm", "vmm"])
        }),
      prepared
    )
  )

  const held =
    /^False AuthenticationFailed: exec refused.*No log-on is tried since 1970-01-01T00:00:00Z.*the next is at 1970-01-01T00:30:00Z.*scvmm-retry-auth/u

  it.effect("a refused log-on says since when and until when, and an annotation asks for one at once", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "ScvmmAvailable", held)
          const annotate = (by: string) =>
            world.access.mergePatch(ScvmmProvider, namespace, "vmm", {
              metadata: { annotations: { [Contract.retryAuthAnnotation]: by, other: "stays" } }
            })
          const consumed = until(
            "the annotation is consumed",
            Effect.map(
              world.find(ScvmmProvider, "vmm"),
              (object) => text(object, "metadata", "annotations", Contract.retryAuthAnnotation) === ""
            ),
            5
          )
          const before = world.logOns.length
          yield* annotate("ops: unlocked")
          yield* consumed
          yield* until(
            "one log-on",
            Effect.sync(() => world.logOns.length > before),
            5
          )
          yield* annotate("again")
          yield* consumed
          world.account.password = "typo"
          yield* usable
          yield* annotate("too late")
          yield* consumed
          const told = world.events.filter((event) => event.startsWith("RetryingLogOn"))
          assert.lengthOf(told, 3)
          assert.match(told[0] ?? "", /one log-on is tried at once.*"ops: unlocked"/u)
          assert.match(told[2] ?? "", /"too late".*changes nothing/u)
          const object = yield* world.find(ScvmmProvider, "vmm")
          assert.strictEqual(text(object, "metadata", "annotations", "other"), "stays")
        }),
      (world) => Effect.andThen(world.secret("typo"), world.provider("vmm"))
    )
  )

  it.effect("a status tells of hosts and sessions, and since when SCVMM could not be asked", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          world.hosts.push({ host: "exec1", ok: false, message: "refused" }, { host: "exec2", ok: true })
          yield* usable
          yield* says(world, "Ready", /^True/u)
          const status = (yield* world.find(ScvmmProvider, "vmm"))?.["status"]
          assert.deepInclude(status, {
            execHosts: [
              { host: "exec1", status: "Failed", message: "refused" },
              { host: "exec2", status: "OK" }
            ],
            sessions: { open: 1, idle: 1 },
            version: { module: "1", server: "10.22" }
          })
          assert.notProperty(status, "staleSince")
          // A host that works no more is seen by the polls; nobody waits for ten minutes.
          world.hosts.splice(0, 2, { host: "exec1", ok: false, message: "refused" })
          world.account.password = "second"
          yield* says(world, "ScvmmAvailable", /^False/u, 61)
          const since = text(yield* world.find(ScvmmProvider, "vmm"), "status", "staleSince")
          assert.match(since, /^1970-01-01T00:0[01]:\d\dZ$/u)
          yield* Effect.sleep("2 minutes")
          assert.strictEqual(text(yield* world.find(ScvmmProvider, "vmm"), "status", "staleSince"), since)
          world.account.password = "first"
          yield* says(world, "ScvmmAvailable", /^True/u, 61)
          assert.notProperty((yield* world.find(ScvmmProvider, "vmm"))?.["status"], "staleSince")
        }),
      prepared
    )
  )

  it.effect("warns for as long as nobody checks who its hosts are", () =>
    within(
      (world) =>
        Effect.gen(function* () {
          yield* says(world, "VerificationSkipped", /^True InsecureSkipVerify: .*caBundle/u)
          yield* says(world, "Ready", /^True/u)
          assert.lengthOf(
            world.events.filter((event) => event.startsWith("InsecureSkipVerify")),
            1
          )
          yield* world.access.mergePatch(ScvmmProvider, namespace, "vmm", {
            spec: { transport: { insecureSkipVerify: false } }
          })
          yield* says(world, "VerificationSkipped", /^False/u)
        }),
      (world) => Effect.andThen(world.secret("first"), world.provider("vmm", {}, { insecureSkipVerify: true }))
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
