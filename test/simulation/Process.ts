/** A simulated process on a Timeline: a scheduler, a clock and randomness of its own; killed, nothing of it ever runs again. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import type * as LogLevel from "effect/LogLevel"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"
import type { Owner, Timeline } from "./Timeline.ts"

export interface Options {
  readonly name: string
  readonly timeline: Timeline
  /** Of everything random in it. */
  readonly seed: string
  readonly logLevel: LogLevel.LogLevel
  readonly logger: Logger.Logger<unknown, void>
}

export interface Process extends Owner {
  /** Runs in this process; starts at once. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E>) => Fiber.Fiber<A, E>
  /** As SIGKILL: no finalizer runs, no timer fires. What others hold of it, they must let go of themselves. */
  readonly kill: () => void
}

const schedulerOf = (timeline: Timeline, owner: Owner): Scheduler.Scheduler => {
  const { shouldYield } = new Scheduler.MixedScheduler()
  const dispatcher: Scheduler.SchedulerDispatcher = {
    // Priorities order what one fiber has scheduled; nobody here uses any but the usual one.
    scheduleTask: (task) => timeline.enqueue(owner, task),
    flush: () => undefined
  }
  return { executionMode: "async", shouldYield, makeDispatcher: () => dispatcher }
}

const clockOf = (timeline: Timeline, owner: Owner): Clock.Clock => {
  const nanos = () => BigInt(timeline.now) * 1_000_000n
  return {
    currentTimeMillisUnsafe: () => timeline.now,
    currentTimeMillis: Effect.sync(() => timeline.now),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: (duration) => {
      const millis = Duration.toMillis(duration)
      if (millis <= 0) return Effect.yieldNow
      if (!Number.isFinite(millis)) return Effect.never
      return Effect.callback<void>((resume) => Effect.sync(timeline.after(owner, millis, () => resume(Effect.void))))
    }
  }
}

const randomOf = (seed: string) => Effect.runSync(Effect.service(Random.Random).pipe(Random.withSeed(seed)))

export const make = (options: Options): Process => {
  let alive = true
  const owner: Owner = { name: options.name, isAlive: () => alive }
  const context = Context.make(Scheduler.Scheduler, schedulerOf(options.timeline, owner)).pipe(
    Context.add(Clock.Clock, clockOf(options.timeline, owner)),
    Context.add(Random.Random, randomOf(options.seed)),
    Context.add(Logger.CurrentLoggers, new Set([options.logger])),
    Context.add(References.MinimumLogLevel, options.logLevel),
    Context.add(References.TracerEnabled, false),
    // The usual one is shared by all of the real process.
    Context.add(Metric.MetricRegistry, new Map())
  )
  const fork = Effect.runForkWith(context)
  return {
    ...owner,
    fork: (effect) => fork(effect),
    kill: () => {
      alive = false
    }
  }
}
