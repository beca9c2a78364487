import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { Conflict } from "../../../layers/kube/KubeError.ts"
import type { ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import * as Action from "../../../src/runtime/Action.ts"
import * as Controller from "../../../src/runtime/Controller.ts"
import { Informers } from "../../../src/runtime/Informers.ts"
import * as Manager from "../../../src/runtime/Manager.ts"
import type { Failure } from "../../../src/runtime/RetryPolicy.ts"
import * as Triggers from "../../../src/runtime/Triggers.ts"
import type { Family } from "../../harness/Exposition.ts"
import { boundaries, parse, series, valueOf } from "../../harness/Exposition.ts"
import { makeApi, toys } from "./Toy.ts"

const key = (name: string): ObjectKey => ({ namespace: "play", name })
const failure = (message: string, retry: Failure["retry"] = "backoff"): Failure => ({ message, retry })

const value = (metrics: ReadonlyMap<string, Family>, name: string, labels: Readonly<Record<string, string>> = {}) =>
  valueOf(metrics, `controller_runtime_${name}`, { controller: "toy", ...labels })

interface Line {
  readonly level: string
  readonly message: unknown
  readonly annotations: Readonly<Record<string, unknown>>
  readonly traceId: string | undefined
}

/** Runs a controller that is woken by hand alone; gives what it did, logged, traced and counted. */
const run = Effect.fnUntraced(function* (
  reconcile: (key: ObjectKey) => Effect.Effect<Action.Action, Failure>,
  keys: ReadonlyArray<string>,
  duration: Duration.Input,
  options: { readonly concurrency?: number } = {}
) {
  const lines: Array<Line> = []
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (spanOptions) => {
      const span = new Tracer.NativeSpan(spanOptions)
      spans.push(span)
      return span
    }
  })
  const capture = Logger.make<unknown, void>(({ fiber, logLevel, message }) => {
    lines.push({
      level: logLevel,
      message: Array.isArray(message) && message.length === 1 ? message[0] : message,
      annotations: fiber.getRef(References.CurrentLogAnnotations),
      traceId: fiber.cache.span?.traceId
    })
  })
  const controller = Controller.make({
    name: "toy",
    resource: toys,
    triggers: [Triggers.external(Stream.fromIterable(keys.map(key)))],
    reconcile,
    ...options
  })
  const api = yield* makeApi()
  const metrics = yield* Effect.gen(function* () {
    const manager = Manager.make([controller])
    const fiber = yield* Effect.forkChild(manager.run)
    // First let it start: the clock would jump past what has not been asked for yet.
    yield* manager.ready
    yield* TestClock.adjust(0)
    yield* TestClock.adjust(duration)
    assert.isUndefined(fiber.pollUnsafe())
    const text = yield* PrometheusMetrics.format()
    yield* Fiber.interrupt(fiber)
    return parse(text)
  }).pipe(
    Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)),
    Effect.provideService(Metric.MetricRegistry, new Map()),
    Effect.provideService(Tracer.Tracer, tracer),
    Effect.provideService(References.MinimumLogLevel, "All"),
    Effect.provide(Logger.layer([capture]))
  )
  const reconciles = spans.filter(({ name }) => name === "Controller.reconcile")
  return { lines: lines.filter(({ annotations }) => "reconcileID" in annotations), spans: reconciles, metrics }
})

describe("Controller", () => {
  it.effect("each reconcile is a root span, its lines carry who and which", () =>
    Effect.gen(function* () {
      const { lines, metrics, spans } = yield* run(() => Effect.as(Effect.logInfo("looking"), Action.done), ["bear"], 0)
      assert.deepStrictEqual(
        lines.map(({ message }) => message),
        ["looking", "reconciled"]
      )
      const [span] = spans
      assert.isTrue(span !== undefined && span.parent._tag === "None")
      for (const line of lines) {
        assert.deepInclude(line.annotations, { controller: "toy", namespace: "play", name: "bear" })
        assert.match(
          String(line.annotations["reconcileID"]),
          /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u
        )
        assert.strictEqual(line.annotations["reconcileID"], span?.attributes.get("reconcile.id"))
        assert.strictEqual(line.traceId, span?.traceId)
      }
      assert.strictEqual(span?.attributes.get("k8s.namespace.name"), "play")
      assert.strictEqual(span?.attributes.get("k8s.name"), "bear")
      assert.strictEqual(value(metrics, "reconcile_total", { result: "success" }), 1)
      assert.strictEqual(value(metrics, "max_concurrent_reconciles"), 10)
      assert.strictEqual(value(metrics, "active_workers"), 0)
      assert.strictEqual(value(metrics, "reconcile_time_seconds_count"), 1)
    })
  )

  it.effect("requeues when asked, linked to the run that asked", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const { metrics, spans } = yield* run(
        () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            times.push(now)
            return times.length < 3 ? Action.requeueAfter("5 seconds") : Action.done
          }),
        ["bear"],
        "1 hour"
      )
      assert.deepStrictEqual(times, [0, 5000, 10_000])
      assert.deepStrictEqual(
        spans.map((span) => span.links.map((link) => link.span.spanId)),
        [[], [spans[0]?.spanId], [spans[1]?.spanId]]
      )
      assert.strictEqual(new Set(spans.map(({ traceId }) => traceId)).size, 3)
      assert.strictEqual(value(metrics, "reconcile_total", { result: "requeue_after" }), 2)
    })
  )

  it.effect("errors back off, success forgets them", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const { lines, metrics, spans } = yield* run(
        () =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => {
            times.push(now)
            return times.length === 4 ? Effect.succeed(Action.requeueAfter(0)) : Effect.fail(failure("no luck"))
          }),
        ["bear"],
        "2 seconds"
      )
      const waits = times.map((time, i) => time - (times[i - 1] ?? 0))
      const within = (i: number, ceiling: number) => {
        assert.isAtLeast(waits[i] ?? -1, ceiling / 2)
        assert.isAtMost(waits[i] ?? Infinity, ceiling)
      }
      within(1, 200)
      within(2, 400)
      within(3, 800)
      assert.strictEqual(waits[4], 0)
      within(5, 200)
      const errors = lines.filter(({ level }) => level === "Error")
      assert.strictEqual(errors[0]?.message, "reconcile failed: no luck")
      assert.isTrue(spans[0]?.status._tag === "Ended" && Exit.isFailure(spans[0].status.exit))
      assert.strictEqual(value(metrics, "reconcile_errors_total"), errors.length)
    })
  )

  it.effect("a terminal error waits for a change", () =>
    Effect.gen(function* () {
      let runs = 0
      const { metrics } = yield* run(
        () => Effect.suspend(() => (++runs, Effect.fail(failure("never", "terminal")))),
        ["bear"],
        "1 hour"
      )
      assert.strictEqual(runs, 1)
      assert.strictEqual(value(metrics, "terminal_reconcile_errors_total"), 1)
    })
  )

  it.effect("a conflict is quiet and quick", () =>
    Effect.gen(function* () {
      let runs = 0
      const conflict = new Conflict({ method: "PATCH", path: "/p", detail: "", reason: "Conflict" })
      const { lines, metrics, spans } = yield* run(
        () => Effect.suspend(() => (++runs === 1 ? Effect.fail(conflict) : Effect.succeed(Action.done))),
        ["bear"],
        "1 second"
      )
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(
        lines.map(({ level }) => level),
        ["Debug", "Debug"]
      )
      assert.isTrue(spans[0]?.status._tag === "Ended" && Exit.isSuccess(spans[0].status.exit))
      assert.strictEqual(value(metrics, "reconcile_total", { result: "requeue" }), 1)
      assert.strictEqual(value(metrics, "reconcile_errors_total"), 0)
    })
  )

  it.effect("a defect is logged with its cause, counted, retried; other keys go on", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const { lines, metrics } = yield* run(
        ({ name }) =>
          Effect.suspend(() => {
            seen.push(name)
            return seen.length === 1 ? Effect.die(new Error("bug")) : Effect.succeed(Action.done)
          }),
        ["bear", "duck"],
        "1 second",
        { concurrency: 1 }
      )
      assert.deepStrictEqual(seen, ["bear", "duck", "bear"])
      assert.isTrue(lines.some(({ level, message }) => level === "Error" && message === "reconcile died"))
      assert.strictEqual(value(metrics, "reconcile_panics_total"), 1)
    })
  )

  it.effect("an interruption of its own making is retried too", () =>
    Effect.gen(function* () {
      let runs = 0
      yield* run(
        () => Effect.suspend(() => (++runs === 1 ? Effect.interrupt : Effect.succeed(Action.done))),
        ["bear"],
        "1 second"
      )
      assert.strictEqual(runs, 2)
    })
  )

  it.effect("a reconcile that does not come back is interrupted after two minutes", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { lines, metrics } = yield* run(
        () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted += 1))),
        ["bear"],
        "2 minutes"
      )
      assert.strictEqual(interrupted, 1)
      assert.strictEqual(value(metrics, "reconcile_timeouts_total"), 1)
      assert.strictEqual(value(metrics, "reconcile_errors_total"), 1)
      assert.strictEqual(value(metrics, "reconcile_time_seconds_sum"), 120)
      assert.isTrue(lines.some(({ message }) => message === "reconcile failed: no end after 120 s"))
    })
  )

  it.effect("what somebody did goes first; a key that runs again keeps its priority", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* Effect.forEach(["a", "b", "c", "d"], (name) => api.put(toys, name, { spec: { size: 1 } }))
      const seen: Array<string> = []
      const controller = Controller.make({
        name: "toy",
        resource: toys,
        concurrency: 1,
        triggers: [Triggers.self(toys)],
        reconcile: ({ name }) =>
          Effect.sync(() => void seen.push(name)).pipe(
            Effect.andThen(Effect.sleep("10 seconds")),
            Effect.as(seen.length < 8 ? Action.requeueAfter("1 second") : Action.done)
          )
      })
      yield* Effect.gen(function* () {
        yield* Effect.forkChild(Manager.run([controller]))
        // While the first of the first listing runs: one is changed, one is new.
        yield* TestClock.adjust("5 seconds")
        yield* api.put(toys, "d", { spec: { size: 2 } })
        yield* api.put(toys, "new", { spec: { size: 1 } })
        yield* TestClock.adjust("60 seconds")
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
      // "d" and "new" come back before the rest of the first listing has had its turn.
      assert.deepStrictEqual(seen, ["a", "d", "new", "d", "new", "d", "new"])
    })
  )

  it.effect("asks for every object of its kind again, long after", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      yield* Effect.forEach(["a", "b"], (name) => api.put(toys, name, { spec: { size: 1 } }))
      const times: Array<number> = []
      const controller = Controller.make({
        name: "toy",
        resource: toys,
        triggers: [Triggers.self(toys)],
        reconcile: () =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            times.push(now / 3_600_000)
            return Action.done
          })
      })
      yield* Effect.gen(function* () {
        yield* Effect.forkChild(Manager.run([controller]))
        yield* TestClock.adjust("12 hours")
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
      assert.strictEqual(times.length, 4)
      for (const at of times.slice(2)) assert.isTrue(at >= 7 && at <= 11, String(at))
    })
  )

  it.effect("runs up to `concurrency` keys side by side, one key never twice", () =>
    Effect.gen(function* () {
      let most = 0
      let twice = 0
      const running: Array<string> = []
      yield* run(
        ({ name }) =>
          Effect.gen(function* () {
            if (running.includes(name)) twice += 1
            running.push(name)
            most = Math.max(most, running.length)
            yield* Effect.sleep("1 second")
            running.splice(running.indexOf(name), 1)
            return Action.done
          }),
        ["a", "b", "c", "a", "d", "e", "a"],
        "10 seconds",
        { concurrency: 3 }
      )
      assert.deepStrictEqual({ most, twice }, { most: 3, twice: 0 })
      assert.deepStrictEqual(running, [])
    })
  )
})

const buckets = (text: string) => text.split(" ").map((bound) => (bound === "+Inf" ? Infinity : Number(bound)))

/** Name → type, labels other than le, upper bounds: controller-runtime v0.24's, as a scrape of it shows them. */
const upstream = {
  controller_runtime_active_workers: ["gauge", ["controller"]],
  controller_runtime_max_concurrent_reconciles: ["gauge", ["controller"]],
  controller_runtime_reconcile_errors_total: ["counter", ["controller"]],
  controller_runtime_reconcile_panics_total: ["counter", ["controller"]],
  controller_runtime_reconcile_time_seconds: [
    "histogram",
    ["controller"],
    "0.005 0.01 0.025 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.45 0.5 0.6 0.7 0.8 0.9 1 1.25 1.5 1.75 2 2.5 3 3.5 4 4.5 5 6 7 8 9 10 15 20 25 30 40 50 60 +Inf"
  ],
  controller_runtime_reconcile_timeouts_total: ["counter", ["controller"]],
  controller_runtime_reconcile_total: ["counter", ["controller", "result"]],
  controller_runtime_terminal_reconcile_errors_total: ["counter", ["controller"]],
  workqueue_adds_total: ["counter", ["controller", "name"]],
  workqueue_depth: ["gauge", ["controller", "name", "priority"]],
  workqueue_longest_running_processor_seconds: ["gauge", ["controller", "name"]],
  workqueue_queue_duration_seconds: [
    "histogram",
    ["controller", "name"],
    "1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 100 1000 +Inf"
  ],
  workqueue_retries_total: ["counter", ["controller", "name"]],
  workqueue_unfinished_work_seconds: ["gauge", ["controller", "name"]],
  workqueue_work_duration_seconds: [
    "histogram",
    ["controller", "name"],
    "1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 100 1000 +Inf"
  ]
} as const

/** Ends in every way there is, by name. */
const everyWay = ({ name }: ObjectKey): Effect.Effect<Action.Action, Failure> => {
  switch (Number(name) % 6) {
    case 0:
      return Effect.succeed(Action.done)
    case 1:
      return Effect.succeed(Action.requeueAfter("1 hour"))
    case 2:
      return Effect.fail(failure("no luck"))
    case 3:
      return Effect.fail(failure("never", "terminal"))
    case 4:
      return Effect.die(new Error("bug"))
    default:
      return Effect.fail(new Conflict({ method: "PATCH", path: "/p", detail: "", reason: "Conflict" }))
  }
}

describe("metrics", () => {
  it.effect("have upstream's names, types, labels and buckets, and are there before the first reconcile", () =>
    Effect.gen(function* () {
      const { metrics } = yield* run(() => Effect.succeed(Action.done), [], 0)
      const shape = [...metrics].map(([name, family]) => [
        name,
        [
          family.type,
          [...new Set(family.samples.flatMap(({ labels }) => Object.keys(labels)))]
            .filter((label) => label !== "le")
            .toSorted(),
          ...(family.type === "histogram" ? [boundaries(family)] : [])
        ]
      ])
      assert.deepStrictEqual(
        Object.fromEntries(shape),
        Object.fromEntries(
          Object.entries(upstream).map(([name, [type, labels, bounds]]) => [
            name,
            [type, labels, ...(bounds === undefined ? [] : [buckets(bounds)])]
          ])
        )
      )
      for (const { help } of metrics.values()) assert.isNotEmpty(help)
    })
  )

  it.effect("grow no series with the objects or with what becomes of them", () =>
    Effect.gen(function* () {
      const names = Array.from({ length: 120 }, (_, i) => String(i))
      const all = (metrics: ReadonlyMap<string, Family>) =>
        [...metrics].flatMap(([name, family]) => series(family).map((one) => `${name} ${one}`)).toSorted()
      const before = yield* run(everyWay, [], 0)
      const after = yield* run(everyWay, names, "1 minute")
      assert.strictEqual(value(after.metrics, "reconcile_total", { result: "requeue_after" }), 20)
      assert.strictEqual(value(after.metrics, "terminal_reconcile_errors_total"), 20)
      assert.isAbove(value(after.metrics, "reconcile_panics_total") ?? 0, 20)
      assert.deepStrictEqual(all(after.metrics), all(before.metrics))
    })
  )
})

describe("Manager", () => {
  it.effect("no worker starts before every store is filled", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const api = yield* makeApi(Deferred.await(gate))
      yield* Effect.gen(function* () {
        const seen: Array<string> = []
        const manager = Manager.make([
          Controller.make({
            name: "toy",
            resource: toys,
            triggers: [Triggers.external(Stream.make(key("bear")))],
            reconcile: ({ name }) => Effect.sync(() => (seen.push(name), Action.done))
          })
        ])
        assert.deepStrictEqual(yield* manager.pending, ["controllers"])
        yield* Effect.forkChild(manager.run)
        const ready = yield* Effect.forkChild(manager.ready)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* manager.pending, ["toys.toys.example"])
        assert.deepStrictEqual(seen, [])
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(ready)
        yield* TestClock.adjust(0)
        assert.deepStrictEqual(yield* manager.pending, [])
        assert.deepStrictEqual(seen, ["bear"])
      }).pipe(Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer)))
    })
  )

  it.effect("ends when a loop dies: a watch, a trigger", () =>
    Effect.gen(function* () {
      const api = yield* makeApi()
      const controller = (trigger: Triggers.Trigger) =>
        Controller.make({
          name: "toy",
          resource: toys,
          triggers: [trigger],
          reconcile: () => Effect.succeed(Action.done)
        })
      const watchDies = Manager.run([controller(Triggers.self(toys))]).pipe(
        Effect.provide(
          Layer.provide(
            Informers.layerWatch(() => Stream.die("bug")),
            api.layer
          )
        )
      )
      const triggerDies = Manager.run([controller(Triggers.external(Stream.die("bug")))]).pipe(
        Effect.provide(Layer.provide(Informers.layerWatch(api.watch), api.layer))
      )
      assert.isTrue(Exit.hasDies(yield* Effect.exit(watchDies)))
      assert.isTrue(Exit.hasDies(yield* Effect.exit(triggerDies)))
    })
  )
})
