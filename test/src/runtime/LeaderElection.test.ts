/** The election's loop over an API in memory, in virtual time, with client-go's default times. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { KubeClient } from "../../../layers/kube/KubeClient.ts"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import { Conflict, NotFound, Unreachable } from "../../../layers/kube/KubeError.ts"
import { Lease } from "../../../schemas/kube/Lease.ts"
import type { Json } from "../../../schemas/kube/Patch.ts"
import * as LeaderElection from "../../../src/runtime/LeaderElection.ts"
import { apply } from "../../../src/runtime/MergeDiff.ts"

const key = { namespace: "caps-system", name: "leader" }
const timing = { lease: 15_000, renew: 10_000, retry: 2_000 }
/** The longest that a candidate may take to find a record that is not renewed any more. */
const takeover = timing.lease + timing.retry * 2.2

const where = { method: "PATCH", path: "/lease", detail: "" }
const unreachable = new Unreachable({ ...where, detail: "no route", cause: new Error("no route") })

/** One Lease, and a wire that each candidate has of its own. */
const makeApi = () => {
  let stored: Json | undefined
  let version = 0
  const put = (object: Json): Lease => {
    stored = apply(object, { metadata: { resourceVersion: String(++version) } })
    return Schema.decodeUnknownSync(Lease.schema)(stored)
  }
  const now = (): Lease | undefined =>
    stored === undefined ? undefined : Schema.decodeUnknownSync(Lease.schema)(stored)
  const wire = () => {
    const it: { trouble: Effect.Effect<void, KubeError>; writing: Effect.Effect<void, KubeError>; asked: number } = {
      trouble: Effect.void,
      writing: Effect.void,
      asked: 0
    }
    const through = <A>(answer: () => Effect.Effect<A, KubeError>) =>
      Effect.suspend(() => {
        it.asked++
        return Effect.andThen(it.trouble, Effect.suspend(answer))
      })
    const written = (answer: () => Effect.Effect<Lease, KubeError>) =>
      through(() => Effect.andThen(it.writing, Effect.suspend(answer)))
    const absent = Effect.fail(new NotFound(where))
    const layer = Layer.mock(KubeClient)({
      // One kind is all that is asked for here.
      get: (() => through(() => Effect.suspend(() => (stored === undefined ? absent : Effect.sync(now))))) as never,
      create: ((_: unknown, namespace: string, body: { readonly metadata: { readonly name: string } }) =>
        written(() =>
          stored === undefined
            ? Effect.sync(() => put({ ...body, metadata: { ...body.metadata, namespace, uid: "uid" } }))
            : Effect.fail(new Conflict({ ...where, reason: "AlreadyExists" }))
        )) as never,
      patch: ((
        _: unknown,
        __: unknown,
        patch: { readonly body: { readonly metadata: { readonly resourceVersion: string } } }
      ) =>
        written(() => {
          if (stored === undefined) return absent
          return now()?.metadata.resourceVersion === patch.body.metadata.resourceVersion
            ? Effect.sync(() => put(apply(stored ?? {}, patch.body)))
            : Effect.fail(new Conflict({ ...where, reason: "Conflict" }))
        })) as never
    })
    return { state: it, layer }
  }
  return { wire, holder: () => now()?.spec?.holderIdentity, record: now }
}

const candidate = (identity: string, wire: ReturnType<ReturnType<typeof makeApi>["wire"]>) =>
  Effect.gen(function* () {
    const election = yield* LeaderElection.make({ key, identity, timing })
    const running = yield* Effect.forkChild(election.run)
    return { ...election, running, may: () => election.fence.refusal() === undefined }
  }).pipe(Effect.provide(wire.layer))

const lines = () => {
  const said: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void said.push([message].flat().map(String).join(" ")))
  return { said, layer: Logger.layer([logger]) }
}

describe("LeaderElection", () => {
  it.effect("one leads at once, the other when the first is killed: after the lease, and not before", () =>
    Effect.gen(function* () {
      const api = makeApi()
      const one = yield* candidate("one", api.wire())
      yield* TestClock.adjust("1 second")
      const two = yield* candidate("two", api.wire())
      yield* TestClock.adjust("5 minutes")
      assert.isTrue(one.may())
      assert.isFalse(two.may())
      assert.strictEqual(api.holder(), "one")
      const renewed = api.record()?.spec?.renewTime
      yield* Fiber.interrupt(one.running)
      let millis = 0
      for (; !two.may() && millis < 60_000; millis += 100) {
        yield* TestClock.adjust(100)
        assert.isFalse(one.may() && two.may())
      }
      // Counted from the kill, which the last renewal came before.
      assert.isAtLeast(millis, timing.lease - timing.retry)
      assert.isAtMost(millis, takeover)
      assert.strictEqual(api.record()?.spec?.leaseTransitions, 1)
      assert.notStrictEqual(api.record()?.spec?.renewTime, renewed)
      yield* two.elected
    })
  )

  it.effect("a lease that was released is taken at the next look", () =>
    Effect.gen(function* () {
      const api = makeApi()
      const one = yield* candidate("one", api.wire())
      const two = yield* candidate("two", api.wire())
      yield* TestClock.adjust("1 minute")
      yield* Fiber.interrupt(one.running)
      yield* one.release
      assert.isFalse(one.may())
      assert.strictEqual(api.holder(), "")
      yield* TestClock.adjust(timing.retry * 2.2)
      assert.isTrue(two.may())
      // Whoever does not lead has nothing to release.
      yield* one.release
      assert.strictEqual(api.holder(), "two")
    })
  )

  it.effect("a renewal that happened although its answer was lost does not keep it from being released", () =>
    Effect.gen(function* () {
      const api = makeApi()
      const wire = api.wire()
      const one = yield* candidate("one", wire)
      yield* TestClock.adjust("1 minute")
      const before = api.record()?.metadata.resourceVersion
      // As if it had been sent by a renewal that was cut.
      const other = yield* candidate("one", api.wire())
      yield* TestClock.adjust(1)
      yield* Fiber.interrupt(other.running)
      assert.notStrictEqual(api.record()?.metadata.resourceVersion, before)
      yield* Fiber.interrupt(one.running)
      yield* one.release
      assert.strictEqual(api.holder(), "")
    })
  )

  const troubles = [
    ["refuses", Effect.fail(unreachable)],
    ["never answers", Effect.never]
  ] as const
  it.effect.each(troubles)("is lost, and said once, when the API %s for the renew deadline", ([, trouble]) =>
    Effect.gen(function* () {
      const log = lines()
      const api = makeApi()
      const wire = api.wire()
      yield* Effect.gen(function* () {
        const one = yield* candidate("one", wire)
        yield* TestClock.adjust("1 minute")
        assert.isTrue(one.may())
        wire.state.trouble = trouble
        const asked = wire.state.asked
        yield* TestClock.adjust(timing.renew - timing.retry)
        assert.isUndefined(one.running.pollUnsafe())
        assert.isTrue(one.may())
        yield* TestClock.adjust(timing.retry)
        assert.isFalse(one.may())
        const exit = one.running.pollUnsafe()
        assert.isTrue(exit !== undefined && Exit.isFailure(exit))
        const error = yield* Effect.flip(Fiber.join(one.running))
        assert.strictEqual(error.message, "leader election lost: caps-system/leader: no renewal for 10 s")
        assert.isAbove(wire.state.asked, asked)
      }).pipe(Effect.provide(log.layer))
      assert.lengthOf(
        log.said.filter((line) => line.includes("lost")),
        1
      )
    })
  )

  it.effect("an API that fails for less than the deadline costs nothing but a line", () =>
    Effect.gen(function* () {
      const log = lines()
      const api = makeApi()
      const wire = api.wire()
      yield* Effect.gen(function* () {
        const one = yield* candidate("one", wire)
        const two = yield* candidate("two", api.wire())
        for (let times = 0; times < 20; times++) {
          yield* TestClock.adjust("20 seconds")
          wire.state.trouble = Effect.fail(unreachable)
          yield* TestClock.adjust("6 seconds")
          wire.state.trouble = Effect.void
        }
        assert.isTrue(one.may())
        assert.isFalse(two.may())
      }).pipe(Effect.provide(log.layer))
      assert.lengthOf(
        log.said.filter((line) => line.includes("out of reach")),
        20
      )
    })
  )

  it.effect("a Lease that may be read and not written is told once, and once that it was written", () =>
    Effect.gen(function* () {
      const log = lines()
      const wire = makeApi().wire()
      wire.state.writing = Effect.fail(unreachable)
      yield* Effect.gen(function* () {
        const one = yield* candidate("one", wire)
        yield* TestClock.adjust("10 minutes")
        assert.isFalse(one.may())
        wire.state.writing = Effect.void
        yield* TestClock.adjust("1 minute")
        assert.isTrue(one.may())
      }).pipe(Effect.provide(log.layer))
      const counted = (words: string) => log.said.filter((line) => line.includes(words)).length
      assert.deepStrictEqual([counted("out of reach"), counted("answers again")], [1, 1])
    })
  )

  it.effect("a process that was stopped is refused before anything in it has run", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      let stopped = 0n
      // As CLOCK_MONOTONIC: it goes on while the process does not.
      const jumping: Clock.Clock = {
        ...clock,
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe() + stopped
      }
      const api = makeApi()
      const one = yield* Effect.provideService(candidate("one", api.wire()), Clock.Clock, jumping)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(one.may())
      stopped = 20_000_000_000n
      assert.isFalse(one.may())
      assert.isUndefined(one.running.pollUnsafe())
      yield* TestClock.adjust(timing.retry)
      const error = yield* Effect.flip(Fiber.join(one.running))
      assert.strictEqual(error._tag, "LeadershipLost")
    })
  )

  it.effect("a loop that hangs is an ailment after a lease and twenty seconds; standing by is none", () =>
    Effect.gen(function* () {
      const api = makeApi()
      const wire = api.wire()
      const one = yield* candidate("one", api.wire())
      const two = yield* candidate("two", wire)
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(yield* one.ailing)
      assert.isUndefined(yield* two.ailing)
      wire.state.trouble = Effect.never
      yield* TestClock.adjust("30 seconds")
      assert.isUndefined(yield* two.ailing)
      yield* TestClock.adjust("10 seconds")
      assert.match((yield* two.ailing) ?? "", /^leader election: nothing for \d\d s$/u)
    })
  )
})
