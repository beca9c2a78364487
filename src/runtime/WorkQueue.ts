/** Keys on their way to a controller's workers: deduplicated, delayed, never two runs of one key at once. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Metric from "effect/Metric"
import { KeyQueue } from "./KeyQueue.ts"
import type { Request } from "./Request.ts"
import * as RuntimeMetrics from "./RuntimeMetrics.ts"

/** What a run asks for when it ends: its key again, after that time or earlier. */
export interface Next {
  readonly request: Request
  readonly afterMillis: number
}

/**
 * ## Expected flow
 * `add` and `addAfter` from triggers; each worker repeats `take`, works, `finish`. `run` moves delayed keys on when they are
 * due; whoever owns the queue runs it.
 *
 * ## Guarantees
 * Those of KeyState, in order of arrival. `take` waits without polling.
 *
 * ## Assumptions
 * What `take` gave is given back to `finish`; a worker that is interrupted in between ends with the whole controller.
 */
export interface WorkQueue {
  readonly add: (request: Request) => Effect.Effect<void>
  readonly addAfter: (request: Request, millis: number) => Effect.Effect<void>
  readonly take: Effect.Effect<Request>
  readonly finish: (request: Request, next?: Next) => Effect.Effect<void>
  /** One more failure in a row: returns how many there are now. */
  readonly fail: (request: Request) => Effect.Effect<number>
  readonly forget: (request: Request) => Effect.Effect<void>
  /** Keys that wait for a worker. */
  readonly depth: Effect.Effect<number>
  /** Keys that are queued, delayed or running. */
  readonly size: Effect.Effect<number>
  readonly run: Effect.Effect<never>
}

const seconds = (millis: number): number => Math.max(0, millis) / 1000

/** `name` labels the metrics. */
export const make = Effect.fnUntraced(function* (name: string): Effect.fn.Return<WorkQueue> {
  const keys = new KeyQueue()
  const queued = yield* Latch.make()
  const rescheduled = yield* Latch.make()
  const startedAt = new Map<Request, number>()
  const labels = { name, controller: name }
  const depthGauge = Metric.withAttributes(RuntimeMetrics.queueDepth, labels)
  const adds = Metric.withAttributes(RuntimeMetrics.queueAdds, labels)
  const retries = Metric.withAttributes(RuntimeMetrics.queueRetries, labels)
  const waited = Metric.withAttributes(RuntimeMetrics.queueSeconds, labels)
  const worked = Metric.withAttributes(RuntimeMetrics.workSeconds, labels)

  const report = Effect.suspend(() => Metric.update(depthGauge, keys.depth))

  /** A change of the keys and the waking of who waits for it are one synchronous step: no interruption comes between. */
  const change = (operation: (now: number) => boolean | number): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const before = keys.nextDue
      const count = Number(operation(now))
      if (count > 0) queued.openUnsafe()
      if (keys.nextDue !== before) rescheduled.openUnsafe()
      return count === 0 ? Effect.void : Effect.andThen(Metric.update(adds, count), report)
    })

  const add = (request: Request) => change((now) => keys.add(request, now))

  const addAfter = (request: Request, millis: number) => change((now) => keys.addAt(request, now + millis, now))

  const take: Effect.Effect<Request> = Effect.gen(function* () {
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const taken = keys.take(now)
      if (taken !== undefined) {
        startedAt.set(taken.request, now)
        yield* Metric.update(waited, seconds(now - taken.queuedAt))
        yield* report
        return taken.request
      }
      // Closed only after the queue was seen empty, in one synchronous step: an add in between cannot be missed.
      queued.closeUnsafe()
      yield* queued.await
    }
  })

  const finish = Effect.fnUntraced(function* (request: Request, next?: Next) {
    const now = yield* Clock.currentTimeMillis
    const started = startedAt.get(request) ?? now
    startedAt.delete(request)
    yield* Metric.update(worked, seconds(now - started))
    if (next !== undefined) yield* Metric.update(retries, 1)
    yield* change((now) => keys.finish(request, next && { request: next.request, dueAt: now + next.afterMillis }, now))
  })

  const run: Effect.Effect<never> = Effect.gen(function* () {
    while (true) {
      yield* change((now) => keys.release(now))
      rescheduled.closeUnsafe()
      const due = keys.nextDue
      const now = yield* Clock.currentTimeMillis
      yield* due === undefined
        ? rescheduled.await
        : Effect.raceFirst(rescheduled.await, Effect.sleep(Math.max(0, due - now)))
    }
  })

  yield* report
  return {
    add,
    addAfter,
    take,
    finish,
    fail: (request) => Effect.sync(() => keys.fail(request)),
    forget: (request) => Effect.sync(() => keys.forget(request)),
    depth: Effect.sync(() => keys.depth),
    size: Effect.sync(() => keys.size),
    run
  }
})
