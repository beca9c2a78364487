import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Priority from "../../../src/runtime/Priority.ts"
import type { Request } from "../../../src/runtime/Request.ts"
import * as Resync from "../../../src/runtime/Resync.ts"
import * as Store from "../../../src/runtime/Store.ts"
import type { Toy } from "./Toy.ts"
import { toy, toys } from "./Toy.ts"

const hour = Duration.toMillis("1 hour")
const named = (count: number) => Array.from({ length: count }, (_, i) => toy(`toy-${i}`))

/** Who is asked for, and when, in hours; filled while time passes. */
const asked = Effect.fnUntraced(function* (writer: Store.Writer<Toy>, period?: Duration.Input) {
  const log: Array<{ readonly request: Request; readonly at: number }> = []
  const add = (request: Request) =>
    Effect.map(Clock.currentTimeMillis, (at) => void log.push({ request, at: at / hour }))
  yield* Effect.forkChild(Resync.run(writer.store, add, period))
  return log
})

describe("Resync", () => {
  it.effect("asks for every object every ten hours ± 10 %, never for many at once, at low priority", () =>
    Effect.gen(function* () {
      const writer = Store.make(toys)
      writer.write({ _tag: "Listed", items: named(100) })
      const log = yield* asked(writer)
      yield* TestClock.adjust("13 hours")
      const first = log.slice(0, 100)
      assert.deepStrictEqual(
        first.map(({ request }) => request.key.name),
        named(100).map(({ metadata }) => metadata.name)
      )
      assert.isTrue(log.every(({ request }) => request.priority === Priority.low && request.reason === "resync"))
      const [begin = 0, end = 0] = [first[0]?.at, first.at(-1)?.at]
      assert.isAtLeast(begin, 7)
      assert.isAtMost(begin, 9)
      assert.closeTo(end - begin, 2, 0.03)
      for (const [i, { at }] of first.entries()) assert.closeTo(at - begin, i * 0.02, 1e-6)
      assert.strictEqual(log.length, 100)
    })
  )

  it.effect("goes on, its passes a period ± 10 % apart and not in step with others", () =>
    Effect.gen(function* () {
      const begins = Effect.gen(function* () {
        const writer = Store.make(toys)
        writer.write({ _tag: "Listed", items: named(1) })
        const log = yield* asked(writer)
        yield* TestClock.adjust("400 hours")
        return log.map(({ at }) => at)
      })
      const [one, two] = [yield* begins, (yield* begins).map((at) => at - 400)]
      const gaps = one.slice(1).map((at, i) => at - (one[i] ?? 0))
      assert.isAtLeast(gaps.length, 35)
      for (const gap of gaps) assert.isTrue(gap >= 9 && gap <= 11, String(gap))
      assert.isAbove(new Set(gaps.map((gap) => gap.toFixed(1))).size, 5)
      assert.notDeepEqual(one.slice(0, 3), two.slice(0, 3))
    })
  )

  it.effect("waits with none, leaves out what is gone before its turn, takes in what is new at the next pass", () =>
    Effect.gen(function* () {
      const writer = Store.make(toys)
      const [first, second] = named(2)
      if (first === undefined || second === undefined) return assert.fail()
      const log = yield* asked(writer, "1 hour")
      const names = () => log.map(({ request }) => request.key.name)
      yield* TestClock.adjust("41 minutes")
      writer.write({ _tag: "Listed", items: [first, second] })
      for (let minutes = 41; minutes < 60 && log.length === 0; minutes++) yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(names(), ["toy-0"])
      writer.write({ _tag: "Deleted", object: second })
      yield* TestClock.adjust("30 minutes")
      assert.deepStrictEqual(names(), ["toy-0"])
      writer.write({ _tag: "Applied", object: toy("newer") })
      yield* TestClock.adjust("43 minutes")
      assert.deepStrictEqual(names(), ["toy-0", "toy-0", "newer"])
    })
  )
})
