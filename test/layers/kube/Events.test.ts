/** Events: shape, repetition, failure. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import type { Event, Regarding } from "../../../layers/kube/Events.ts"
import { body, EventResource, Events } from "../../../layers/kube/Events.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import { ConfigMap } from "../../../schemas/kube/Core.ts"
import { ObjectMeta } from "../../../schemas/kube/ObjectMeta.ts"
import { describeReal, freshNamespace } from "../../harness/ApiServer.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { configMap, json, scripted, status } from "./Scripted.ts"

const machine: Regarding = {
  apiVersion: "infrastructure.cluster.x-k8s.io/v1alpha1",
  kind: "ScvmmMachine",
  namespace: "ns",
  name: "m1",
  uid: "u1"
}
const created: Event = { type: "Normal", reason: "VirtualMachineCreated", message: "VM m1 is there" }

const publish = (regarding: Regarding, event: Event) =>
  Effect.flatMap(Events, (events) => events.publish(regarding, event))

describe("Events", () => {
  it.effect("are written once in ten minutes, each object and message for itself", () => {
    const server = scripted(() => json(201, configMap("e", "1")))
    return Effect.gen(function* () {
      yield* publish(machine, created)
      yield* publish(machine, created)
      assert.strictEqual(server.asked.length, 1)
      yield* publish({ ...machine, name: "m2", uid: "u2" }, created)
      yield* publish(machine, { ...created, message: "other" })
      yield* publish(machine, { ...created, type: "Warning" })
      assert.strictEqual(server.asked.length, 4)
      yield* TestClock.adjust("9 minutes")
      yield* publish(machine, created)
      assert.strictEqual(server.asked.length, 4)
      yield* TestClock.adjust("1 minute")
      yield* publish(machine, created)
      assert.strictEqual(server.asked.length, 5)
      const names = server.asked.map((it) => JSON.parse(new TextDecoder().decode(it.body)).metadata.name)
      assert.strictEqual(new Set(names).size, 5)
      assert.isTrue(server.asked.every((it) => it.path === "/apis/events.k8s.io/v1/namespaces/ns/events"))
    }).pipe(Effect.provide(Layer.provide(Events.layer(), server.layer)))
  })

  it.effect("are written again after ten minutes whatever the wall clock says", () => {
    const server = scripted(() => json(201, configMap("e", "1")))
    return Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const ahead = { ...clock, currentTimeMillis: Effect.succeed(7_200_000) }
      yield* Effect.provideService(publish(machine, created), Clock.Clock, ahead)
      yield* TestClock.adjust("10 minutes")
      yield* publish(machine, created)
      assert.strictEqual(server.asked.length, 2)
    }).pipe(Effect.provide(Layer.provide(Events.layer(), server.layer)))
  })

  it.effect("that cannot be written are logged, never fail, and are tried again", () => {
    const logs: Array<string> = []
    const log = Logger.layer([
      Logger.make(
        (options) =>
          void logs.push(
            `${options.logLevel} ${JSON.stringify(options.fiber.getRef(References.CurrentLogAnnotations))}`
          )
      )
    ])
    const server = scripted((_, index) => (index === 0 ? json(403, status(403, "Forbidden")) : Effect.never))
    return Effect.gen(function* () {
      yield* publish(machine, created)
      yield* inTime(publish(machine, created))
      assert.strictEqual(server.asked.length, 2)
      assert.strictEqual(logs.length, 2)
      assert.match(logs[0] ?? "", /^Warn .*VirtualMachineCreated/u)
    }).pipe(Effect.provide([Layer.provide(Events.layer(), server.layer), log]))
  })

  it.prop(
    "keep within the API's limits, and whole characters",
    { message: Schema.String, name: Schema.NonEmptyString },
    ({ message, name }) => {
      const long = message.repeat(40)
      const at = { millis: 0, suffix: "0", instance: "pod" }
      const object = body({ ...machine, name, namespace: "" }, { ...created, message: long }, at)
      const note = String(object["note"])
      assert.isAtMost(new TextEncoder().encode(note).length, 1024)
      if (long.length < 300) assert.strictEqual(note, long)
      assert.isTrue(long.isWellFormed() ? note.isWellFormed() : true)
      assert.deepInclude(object["metadata"], { namespace: "default" })
    }
  )
})

describeReal("Events on a real API server", (it) => {
  it.effect("are accepted, and found by the object", () =>
    Effect.gen(function* () {
      const kube = yield* KubeClient
      const namespace = yield* freshNamespace
      const { metadata } = yield* kube.create(ConfigMap, namespace, { metadata: { name: "c" } })
      const regarding = { apiVersion: "v1", kind: "ConfigMap", namespace, name: "c", uid: metadata.uid }
      yield* publish(regarding, { ...created, message: "ü".repeat(2000) }).pipe(
        Effect.provide(Events.layer({ instance: "pod-1" }))
      )
      const schema = Schema.Struct({
        metadata: ObjectMeta,
        type: Schema.String,
        involvedObject: Schema.Struct({ name: Schema.String, uid: Schema.String }),
        message: Schema.String
      })
      const core = { ...EventResource, group: "", schema }
      const found = yield* kube.list(core, { namespace, fieldSelector: "involvedObject.name=c" })
      assert.deepStrictEqual(
        found.items.map((item) => [item.type, item.involvedObject.uid, item.message.length]),
        [["Normal", metadata.uid, 511]]
      )
    })
  )
})
