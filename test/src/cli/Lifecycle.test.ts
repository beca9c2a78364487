/** From election to end: what runs when, in which order it ends, and how long that may take. In virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import * as Lifecycle from "../../../src/cli/Lifecycle.ts"
import { Intake } from "../../../src/runtime/Intake.ts"
import { LeadershipLost } from "../../../src/runtime/LeaderElection.ts"
import { settle } from "../../harness/VirtualTime.ts"

interface Stage {
  /** What the operator's one piece of work takes. */
  readonly work?: Duration.Input
  /** What its sessions take to close. */
  readonly closing?: Duration.Input
  /** What giving the lease up takes. */
  readonly releasing?: Duration.Input
  readonly dies?: Effect.Effect<never>
}

/** An operator with one worker, a lease that the test gives and takes, and a diary with times. */
const stage = Effect.fnUntraced(function* ({
  work = "1 second",
  closing = 0,
  releasing = 0,
  dies = Effect.never
}: Stage) {
  const diary: Array<string> = []
  const note = (what: string) =>
    Effect.map(Clock.currentTimeMillis, (now) => void diary.push(`${(now - start) / 1000} ${what}`))
  const start = yield* Clock.currentTimeMillis
  // The test clock's first sleeper starts its warning, which in a finalizer would end that sleep.
  yield* Effect.forkChild(Effect.sleep("1 day"))
  const elected = yield* Deferred.make<void>()
  const lost = yield* Deferred.make<never, LeadershipLost>()
  const again = yield* Deferred.make<void>()
  const operator = Effect.gen(function* () {
    const intake = yield* Intake
    yield* Effect.addFinalizer(() => Effect.andThen(Effect.sleep(closing), note("closed")))
    yield* note("caches")
    const worker = Effect.forever(
      Effect.andThen(
        intake.opened,
        intake.admit(
          note("work").pipe(
            Effect.andThen(Effect.sleep(work)),
            Effect.andThen(note("done")),
            Effect.onInterrupt(() => note("cut"))
          )
        )
      )
    )
    return yield* Effect.raceFirst(worker, dies)
  }).pipe(Effect.scoped)
  const running = yield* Lifecycle.run(operator, {
    election: {
      fence: { refusal: () => undefined },
      run: Deferred.await(lost),
      elected: Deferred.await(elected),
      release: Effect.andThen(Effect.sleep(releasing), note("released")),
      ailing: Effect.succeed(undefined)
    },
    gracefulShutdown: Duration.seconds(30),
    again: Deferred.await(again)
  }).pipe(Effect.provide(Logger.layer([])), Effect.forkChild)
  yield* settle
  return {
    diary,
    running,
    lead: Effect.andThen(Deferred.succeed(elected, undefined), settle),
    lose: Effect.andThen(
      Deferred.fail(lost, new LeadershipLost({ lease: "ns/name", detail: "no renewal for 10 s" })),
      settle
    ),
    askAgain: Effect.andThen(Deferred.succeed(again, undefined), settle),
    /** As a signal does. */
    stop: Effect.andThen(
      Effect.sync(() => running.interruptUnsafe()),
      settle
    )
  }
})

describe("Lifecycle", () => {
  it.effect("standing by fills caches and works on nothing; leading works", () =>
    Effect.gen(function* () {
      const { diary, lead, stop } = yield* stage({})
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(diary, ["0 caches"])
      yield* lead
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(diary, ["0 caches", "3600 work", "3601 done", "3601 work"])
      yield* stop
      yield* TestClock.adjust("1 second")
    })
  )

  it.effect("told to end it begins nothing, lets work end, closes, and releases last", () =>
    Effect.gen(function* () {
      const { diary, lead, running, stop } = yield* stage({ work: "20 seconds", closing: "2 seconds" })
      yield* lead
      yield* TestClock.adjust("5 seconds")
      yield* stop
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(diary, ["0 caches", "0 work", "20 done", "22 closed", "22 released"])
      const exit = yield* Fiber.await(running)
      assert.isTrue(Exit.hasInterrupts(exit))
    })
  )

  it.effect("takes no time when nothing runs", () =>
    Effect.gen(function* () {
      const { diary, running, stop } = yield* stage({})
      yield* stop
      assert.deepStrictEqual(diary, ["0 caches", "0 closed", "0 released"])
      assert.isDefined(running.pollUnsafe())
    })
  )

  it.effect("work that does not end in time is cut", () =>
    Effect.gen(function* () {
      const { diary, lead, stop } = yield* stage({ work: "1 hour" })
      yield* lead
      yield* stop
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(diary, ["0 caches", "0 work", "30 cut", "30 closed", "30 released"])
    })
  )

  it.effect("what does not close holds nobody up for more than ten seconds", () =>
    Effect.gen(function* () {
      const { diary, running, stop } = yield* stage({ closing: "1 hour" })
      yield* stop
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(running.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.isDefined(running.pollUnsafe())
      assert.deepStrictEqual(diary, ["0 caches", "10 released"])
    })
  )

  it.effect("a lease that cannot be given up holds nobody up for more than five seconds", () =>
    Effect.gen(function* () {
      const { diary, running, stop } = yield* stage({ closing: "1 second", releasing: "1 hour" })
      yield* stop
      yield* TestClock.adjust("6 seconds")
      yield* settle
      assert.isDefined(running.pollUnsafe())
      assert.deepStrictEqual(diary, ["0 caches", "1 closed"])
    })
  )

  it.effect("asked again it ends at once, and not regularly", () =>
    Effect.gen(function* () {
      const { askAgain, diary, lead, running, stop } = yield* stage({ work: "1 hour" })
      yield* lead
      yield* stop
      yield* TestClock.adjust("1 second")
      yield* askAgain
      const exit = yield* Fiber.await(running)
      assert.match(String(exit), /asked to end again/u)
      assert.notInclude(diary, "1 released")
    })
  )

  it.effect("a lost lease cuts everything, and fails within a second even if something does not close", () =>
    Effect.gen(function* () {
      const { diary, lead, lose, running } = yield* stage({ work: "1 hour", closing: "1 hour" })
      yield* lead
      yield* TestClock.adjust("5 seconds")
      yield* lose
      yield* TestClock.adjust("1 second")
      yield* settle
      assert.isDefined(running.pollUnsafe())
      assert.strictEqual((yield* Effect.flip(Fiber.join(running)))._tag, "LeadershipLost")
      assert.deepStrictEqual(diary, ["0 caches", "0 work", "5 cut"])
    })
  )

  it.effect("a lease that is lost while work ends is told as such", () =>
    Effect.gen(function* () {
      const { diary, lead, lose, running, stop } = yield* stage({ work: "20 seconds" })
      yield* lead
      yield* stop
      yield* TestClock.adjust("5 seconds")
      yield* lose
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.await(running)
      assert.match(String(exit), /leader election lost/u)
      assert.notInclude(diary.join(), "released")
    })
  )

  it.effect("an operator that dies gives the lease up before it tells", () =>
    Effect.gen(function* () {
      const dies = Effect.andThen(Effect.sleep("3 seconds"), Effect.die("a loop died"))
      const { diary, lead, running } = yield* stage({ work: "1 hour", dies })
      yield* lead
      yield* TestClock.adjust("3 seconds")
      const exit = yield* Fiber.await(running)
      assert.match(String(exit), /a loop died/u)
      assert.deepStrictEqual(diary, ["0 caches", "0 work", "3 cut", "3 closed", "3 released"])
    })
  )
})
