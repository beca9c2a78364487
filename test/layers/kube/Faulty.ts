/** All kinds watched through faults, in virtual time: what is asked, what is said, and whether it heals. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../layers/Dial.ts"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import * as KubeConfig from "../../../layers/kube/KubeConfig.ts"
import * as Watcher from "../../../layers/kube/Watcher.ts"
import { crd } from "../../../schemas/Crd.ts"
import { ConfigMap, Namespace } from "../../../schemas/kube/Core.ts"
import type { KubeObject, Resource } from "../../../schemas/kube/Resource.ts"
import { kinds } from "../../../schemas/scvmm/Kinds.ts"
import * as EmbeddedApiServer from "../../../src/simulators/kube/EmbeddedApiServer.ts"
import * as Faults from "../../../src/simulators/kube/Faults.ts"
import { seed } from "../../harness/Chance.ts"
import { settle } from "../../harness/VirtualTime.ts"

/** As many as the operator watches, about. */
export const many: ReadonlyArray<Resource<KubeObject>> = [ConfigMap, Namespace, ...kinds]
export const few = many.slice(0, 3)

/** Milliseconds: when what befalls them begins, and when it is over. */
export const start = 60_000
export const end = 660_000

export interface Line {
  readonly level: string
  readonly message: string
  readonly resource: string
  readonly error: string
}

const origin = "https://api.example"

/** An exchange that takes more steps ends in the next second: here that is near enough. */
const step = Effect.repeat(Effect.yieldNow, { times: 40 })

/** Lets so many seconds pass. */
export const pass = Effect.fnUntraced(function* (seconds: number) {
  for (let second = 0; second < seconds; second++) {
    yield* step
    yield* TestClock.adjust("1 second")
  }
  yield* settle
})

/** Watches those kinds behind those rules; ends with the scope. Every pause of theirs comes from the seed of the run. */
export const watching = Effect.fnUntraced(function* (
  rules: ReadonlyArray<Faults.Rule>,
  watched: ReadonlyArray<Resource<KubeObject>>
) {
  const token = Redacted.make("t")
  const server = yield* EmbeddedApiServer.make({
    crds: kinds.map((kind) => crd(kind)),
    tokens: [{ token, user: "admin" }]
  })
  const faults = Faults.make(server.handler, rules)
  const servers = new Map([[origin, faults.handler]])
  const kube = KubeClient.layer(KubeConfig.fixed({ server: origin, token })).pipe(
    Layer.provide(Dial.layerInProcess(servers))
  )
  const lines: Array<Line> = []
  const log = Logger.layer([
    Logger.make((options) => {
      const { resource = "", error = "" } = options.fiber.getRef(References.CurrentLogAnnotations)
      lines.push({
        level: options.logLevel,
        message: String(options.message),
        resource: String(resource),
        error: String(error)
      })
    })
  ])
  /** The names each watch has seen, as a store would hold them. */
  const stores = new Map<string, Set<string>>()
  const undecodable: Array<string> = []
  const services = yield* Layer.build(Layer.merge(kube, log))
  const follow = (resource: Resource<KubeObject>) => {
    const store = new Set<string>()
    stores.set(resource.plural, store)
    return Watcher.watch(resource).pipe(
      Stream.runForEach((event) =>
        Effect.sync(() => {
          if (event._tag === "Listed") {
            store.clear()
            for (const { metadata } of event.items) store.add(metadata.name)
          } else if (event._tag === "Undecodable") undecodable.push(event.key.name)
          else if (event._tag === "Deleted") store.delete(event.object.metadata.name)
          else store.add(event.object.metadata.name)
        })
      ),
      Effect.provide(services)
    )
  }
  const fibers = yield* Effect.forEach(watched, (resource) => Effect.forkScoped(follow(resource)))
  const create = (name: string) =>
    Effect.orDie(
      server.access.create({ group: "", version: "v1", plural: "configmaps" }, "default", {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name }
      })
    )
  return {
    server,
    servers,
    origin,
    handler: faults.handler,
    asked: faults.asked,
    lines,
    stores,
    undecodable,
    create,
    /** Whether any watch came to an end, which none ever does. */
    ended: Effect.sync(() => fibers.some((fiber: Fiber.Fiber<unknown>) => fiber.pollUnsafe() !== undefined))
  }
}, Random.withSeed(seed))

/** The metric of that name by kind. */
export const byKind = (id: string) =>
  Effect.map(
    Metric.snapshot,
    (metrics) =>
      new Map(
        metrics
          .filter((metric) => metric.id === id)
          .map((metric) => [
            metric.attributes?.["name"] ?? "",
            metric.type === "Gauge"
              ? Number(metric.state.value)
              : metric.type === "Counter"
                ? Number(metric.state.count)
                : 0
          ])
      )
  )
