import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Calls from "../../../src/runtime/Calls.ts"

const wake = { namespace: "play", name: "bear" }

describe("Calls", () => {
  it.effect("runs one of a key, hands its exit out once, and wakes", () =>
    Effect.gen(function* () {
      const calls = yield* Calls.make<number, string>()
      const answer = yield* Deferred.make<number, string>()
      yield* TestClock.adjust(42)
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Idle" })
      assert.isTrue(yield* calls.start("create", Deferred.await(answer), wake))
      assert.isFalse(yield* calls.start("create", Effect.die("a second one"), wake))
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Running", startedAt: 42, progress: 0 })
      const woken = yield* Effect.forkChild(Stream.runHead(calls.changes))
      yield* Deferred.succeed(answer, 7)
      assert.deepStrictEqual(yield* Fiber.join(woken).pipe(Effect.flatMap(Effect.fromOption)), wake)
      assert.isFalse(yield* calls.start("create", Effect.die("before it was polled"), wake))
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Finished", exit: Exit.succeed(7) })
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Idle" })
    })
  )

  it.effect("tells how far a call is, once for each step and only while it runs", () =>
    Effect.gen(function* () {
      const calls = yield* Calls.make<number, string>()
      const answer = yield* Deferred.make<number, string>()
      yield* calls.progressed("create", 25)
      yield* calls.start("create", Deferred.await(answer), wake)
      for (const percent of [0, 25, 25, 50, 25]) yield* calls.progressed("create", percent)
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Running", startedAt: 0, progress: 50 })
      yield* Deferred.succeed(answer, 7)
      // 25, 50 and the end.
      assert.lengthOf(yield* Stream.runCollect(Stream.take(calls.changes, 3)), 3)
      yield* calls.progressed("create", 75)
      assert.deepStrictEqual(yield* calls.poll("create"), { _tag: "Finished", exit: Exit.succeed(7) })
    })
  )

  it.effect("keeps failures, defects and self-made interruptions as exits", () =>
    Effect.gen(function* () {
      const calls = yield* Calls.make<void, string>()
      const ends = [Effect.fail("no"), Effect.die("bug"), Effect.interrupt]
      for (const [i, end] of ends.entries()) yield* calls.start(String(i), end, wake)
      yield* Stream.runDrain(Stream.take(calls.changes, ends.length))
      const exits: Array<string> = []
      for (const i of ends.keys()) {
        const poll = yield* calls.poll(String(i))
        if (poll._tag !== "Finished" || Exit.isSuccess(poll.exit)) return assert.fail(poll._tag)
        exits.push(...poll.exit.cause.reasons.map((reason) => reason._tag))
      }
      assert.deepStrictEqual(exits, ["Fail", "Die", "Interrupt"])
    })
  )

  it.effect("interrupts what is under way when its scope closes, and outlives the fiber that started it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const calls = yield* Scope.provide(Calls.make<never, never>(), scope)
      let interrupted = false
      const call = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted = true)))
      yield* Fiber.join(yield* Effect.forkChild(calls.start("x", call, wake)))
      yield* TestClock.adjust("1 hour")
      assert.isFalse(interrupted)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(interrupted)
    })
  )
})
