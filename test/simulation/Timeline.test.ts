import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Guid from "../../schemas/Guid.ts"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as Process from "./Process.ts"
import { Livelock, OutOfTime, Standstill, Timeline } from "./Timeline.ts"

const silent = Logger.make<unknown, void>(() => undefined)

const universe = (stepsPerInstant = 10_000) => {
  const timeline = new Timeline({ start: 0, stepsPerInstant })
  const process = (name: string) => Process.make({ name, timeline, seed: name, logger: silent, logLevel: "None" })
  const run = <A>(effect: Effect.Effect<A>, millis = 1_000_000): A => {
    const fiber = process("main").fork(effect)
    timeline.run(() => fiber.pollUnsafe() !== undefined, millis)
    const exit = fiber.pollUnsafe()
    if (exit === undefined || Exit.isFailure(exit)) throw new Error("the fiber failed")
    return exit.value
  }
  return { timeline, process, run }
}

describe("virtual time", () => {
  it("jumps from timer to timer", () => {
    const { run, timeline } = universe()
    assert.strictEqual(run(Effect.as(Effect.sleep("10 minutes"), "slept")), "slept")
    assert.strictEqual(timeline.now, 600_000)
  })

  it("does not pass while anybody can run", () => {
    const { run, timeline } = universe()
    const busy = Effect.repeat(Effect.yieldNow, { times: 500 })
    const at = run(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Effect.sleep(1))
        yield* busy
        const before = timeline.now
        yield* Fiber.join(fiber)
        return before
      })
    )
    assert.strictEqual(at, 0)
  })

  it.prop(
    "fires timers by their time, those of one instant in the order in which they were set, cancelled ones never",
    { delays: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))) },
    ({ delays }) => {
      const { process, timeline } = universe()
      const owner = process("timers")
      const fired: Array<number> = []
      const cancels = delays.map((delay, i) => timeline.after(owner, delay, () => fired.push(i)))
      // Every third is cancelled.
      cancels.forEach((cancel, i) => i % 3 === 2 && cancel())
      const expected = delays.map((_, i) => i).filter((i) => i % 3 !== 2)
      timeline.run(() => fired.length === expected.length, 100)
      assert.deepStrictEqual(
        fired,
        expected.toSorted((a, b) => (delays[a] ?? 0) - (delays[b] ?? 0) || a - b)
      )
    }
  )

  it("lets the first of two timers of one instant cancel the second", () => {
    const { process, timeline } = universe()
    const owner = process("timers")
    const fired: Array<string> = []
    let cancel = (): void => undefined
    timeline.after(owner, 5, () => {
      fired.push("first")
      cancel()
    })
    cancel = timeline.after(owner, 5, () => fired.push("second"))
    timeline.after(owner, 6, () => fired.push("third"))
    timeline.run(() => fired.includes("third"), 100)
    assert.deepStrictEqual(fired, ["first", "third"])
  })
})

describe("a run that cannot end", () => {
  it("is a standstill when everybody waits for nothing", () => {
    assert.throws(() => universe().run(Effect.never), Standstill)
  })

  it("is a standstill when what it waits for is outside of Effect", () => {
    assert.throws(() => universe().run(Effect.promise(() => Promise.resolve(1))), Standstill)
  })

  it("is a livelock when it works and no time passes", () => {
    assert.throws(() => universe().run(Effect.forever(Effect.yieldNow)), Livelock)
  })

  it("is out of time when it waits longer than it may", () => {
    assert.throws(() => universe().run(Effect.forever(Effect.sleep("1 second")), 60_000), OutOfTime)
  })
})

describe("a process", () => {
  it("does nothing any more once it is killed: no task, no timer, no finalizer", () => {
    const { process, run } = universe()
    const done: Array<string> = []
    const victim = process("victim")
    victim.fork(
      Effect.forever(
        Effect.andThen(
          Effect.sleep("1 second"),
          Effect.sync(() => done.push("tick"))
        )
      ).pipe(Effect.ensuring(Effect.sync(() => done.push("finalizer"))))
    )
    run(
      Effect.gen(function* () {
        yield* Effect.sleep("2500 millis")
        victim.kill()
        yield* Effect.sleep("1 minute")
      })
    )
    assert.deepStrictEqual(done, ["tick", "tick"])
  })

  it("draws what its seed says", () => {
    const draw = (name: string) => {
      const { process, timeline } = universe()
      const fiber = process(name).fork(Guid.random)
      timeline.run(() => fiber.pollUnsafe() !== undefined, 0)
      return fiber.pollUnsafe()
    }
    assert.deepStrictEqual(draw("a"), draw("a"))
    assert.notDeepEqual(draw("a"), draw("b"))
  })
})
