/** Keys on their way to a controller's workers: deduplicated, delayed, never two runs of one key at once. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import { KeyQueue } from "./KeyQueue.ts"
import * as Monotonic from "../../layers/Monotonic.ts"
import * as QueueMetrics from "./QueueMetrics.ts"
import type { Request } from "./Request.ts"

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
 * Those of KeyState; who is served first is Priority's to say, and in order of arrival within one. `take` waits without polling.
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
  /** Keys that are queued, delayed or running. */
  readonly size: Effect.Effect<number>
  readonly run: Effect.Effect<never>
}

/** `name` labels the metrics. */
export const make = Effect.fnUntraced(function* (name: string): Effect.fn.Return<WorkQueue> {
  const keys = new KeyQueue()
  const isEmpty = (): boolean => keys.depth.normal + keys.depth.low === 0
  const idle = new Set<() => void>()
  /** Wakes the worker that waits longest, and it the next while there is more: most keys come alone. */
  const wake = (): void => {
    const [next] = idle
    if (next === undefined) return
    idle.delete(next)
    next()
  }
  /** Looks once more in the step that begins to wait: an add in between cannot be missed. */
  const arrival = Effect.callback<void>((resume) => {
    if (!isEmpty()) return resume(Effect.void)
    const woken = (): void => resume(Effect.void)
    idle.add(woken)
    return Effect.sync(() => void idle.delete(woken))
  })
  const rescheduled = yield* Latch.make()
  const metrics = yield* QueueMetrics.make(name)
  /** A change of the keys and the waking of who waits for it are one synchronous step: no interruption comes between. */
  const change = (operation: (now: number) => boolean | number): Effect.Effect<void> =>
    Effect.map(Monotonic.millis, (now) => {
      const before = keys.nextDue
      const count = Number(operation(now))
      if (count > 0) {
        metrics.added(count)
        wake()
      }
      if (keys.nextDue !== before) rescheduled.openUnsafe()
      metrics.depth(keys.depth)
    })

  const add = (request: Request) => change((now) => keys.add(request, now))

  const addAfter = (request: Request, millis: number) => change((now) => keys.addAt(request, now + millis, now))

  const take: Effect.Effect<Request> = Effect.gen(function* () {
    while (true) {
      const now = yield* Monotonic.millis
      const taken = keys.take(now)
      if (taken !== undefined) {
        metrics.taken(taken.request, taken.queuedAt, now)
        metrics.depth(keys.depth)
        if (!isEmpty()) wake()
        return taken.request
      }
      yield* arrival
    }
  })

  const finish = (request: Request, next?: Next) =>
    change((now) => {
      metrics.finished(request, now)
      if (next !== undefined && next.afterMillis > 0) metrics.retried()
      return keys.finish(request, next && { request: next.request, dueAt: now + next.afterMillis }, now)
    })

  const release: Effect.Effect<never> = Effect.gen(function* () {
    while (true) {
      yield* change((now) => keys.release(now))
      rescheduled.closeUnsafe()
      const due = keys.nextDue
      const now = yield* Monotonic.millis
      yield* due === undefined
        ? rescheduled.await
        : Effect.raceFirst(rescheduled.await, Effect.sleep(Math.max(0, due - now)))
    }
  })

  return {
    add,
    addAfter,
    take,
    finish,
    fail: (request) => Effect.sync(() => keys.fail(request)),
    forget: (request) => Effect.sync(() => keys.forget(request)),
    size: Effect.sync(() => keys.size),
    run: Effect.andThen(Effect.all([release, metrics.run], { concurrency: "unbounded", discard: true }), Effect.never)
  }
})
