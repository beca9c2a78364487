/** Who is served when: the order among callers that wait for sessions. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { HostUnavailable } from "../../../layers/scvmm/ScvmmError.ts"
import { type Caller, SessionQueue } from "../../../layers/scvmm/SessionQueue.ts"
import type { Kind } from "../../../layers/scvmm/Turn.ts"

interface Session {
  readonly since: number
}

const Places = Schema.Int.check(Schema.isBetween({ minimum: 2, maximum: 5 }))
const roomFor = (places: number, single = false) => ({ places: () => places, single: () => single })
/** Somebody comes, or the n-th of those who have a session goes. */
const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.tag("Comes"), kind: Schema.Literals(["read", "blocking"]) }),
  Schema.Struct({ _tag: Schema.tag("Goes"), at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })) })
])
const Steps = Schema.Array(Step).check(Schema.isMaxLength(60))

/** A pool whose sessions are all open, without anything that takes time. */
const run = (places: number, steps: ReadonlyArray<typeof Step.Type>) => {
  const queue = new SessionQueue<Session>(roomFor(places))
  for (let since = 0; since < places; since++) queue.add({ since })
  const come: Array<Caller<Session>> = []
  const served: Array<Caller<Session>> = []
  const using: Array<Caller<Session>> = []
  let now = places
  const serve = () => {
    queue.serve()
    // Those who were served in this step, in the order of their coming.
    for (const caller of come)
      if (caller.session !== undefined && !served.includes(caller)) {
        served.push(caller)
        using.push(caller)
      }
  }
  const go = (caller: Caller<Session>) => {
    using.splice(using.indexOf(caller), 1)
    queue.leave(caller)
    queue.add({ since: now++ })
    serve()
  }
  for (const step of steps) {
    if (step._tag === "Comes") {
      come.push(queue.ask(step.kind))
      serve()
    } else if (using.length > 0) {
      const caller = using[step.at % using.length]
      if (caller !== undefined) go(caller)
    }
    const blocking = using.filter(({ kind }) => kind === "blocking").length
    assert.isAtMost(using.length, places)
    assert.isAtMost(blocking, places - 1)
    // Nobody waits without a reason.
    const waiting = come.filter(({ session }) => session === undefined)
    if (using.length < places)
      assert.isTrue(
        (waiting.every(({ kind }) => kind === "blocking") && blocking >= places - 1) || waiting.length === 0
      )
  }
  return { come, served, using, go }
}

describe("SessionQueue", () => {
  it.effect.prop("serves each kind in the order of coming", { places: Places, steps: Steps }, ({ places, steps }) =>
    Effect.sync(() => {
      const { come, served } = run(places, steps)
      for (const kind of ["read", "blocking"] satisfies ReadonlyArray<Kind>)
        assert.deepStrictEqual(
          served.filter((caller) => caller.kind === kind),
          come.filter((caller) => caller.kind === kind && caller.session !== undefined)
        )
    })
  )

  it.effect.prop(
    "starves nobody: as those before it go, everybody is served",
    { places: Places, steps: Steps },
    ({ places, steps }) =>
      Effect.sync(() => {
        const { come, using, go } = run(places, steps)
        for (let left = come.length; left > 0 && using.length > 0; left--) {
          const [first] = using
          if (first !== undefined) go(first)
        }
        assert.isTrue(come.every(({ session }) => session !== undefined))
      })
  )

  it("a read passes blocking calls only while these have all places but one", () => {
    const queue = new SessionQueue<Session>(roomFor(3))
    for (const since of [0, 1, 2]) queue.add({ since })
    const [first, second, third] = [queue.ask("blocking"), queue.ask("blocking"), queue.ask("blocking")]
    const read = queue.ask("read")
    queue.serve()
    assert.isDefined(first.session)
    assert.isDefined(second.session)
    assert.isUndefined(third.session)
    assert.isDefined(read.session)
    // A place came free for both; the blocking one was first.
    const later = queue.ask("read")
    queue.leave(first)
    queue.add({ since: 3 })
    queue.serve()
    assert.isDefined(third.session)
    assert.isUndefined(later.session)
  })

  it("a call that blocks leaves the last session to reads, and asks for another", () => {
    const queue = new SessionQueue<Session>(roomFor(3))
    queue.add({ since: 0 })
    const blocking = queue.ask("blocking")
    assert.isTrue(queue.serve())
    const read = queue.ask("read")
    assert.isTrue(queue.serve())
    assert.isDefined(read.session)
    assert.isUndefined(blocking.session)
    queue.add({ since: 1 })
    assert.isFalse(queue.serve())
    assert.isDefined(blocking.session)
    const alone = new SessionQueue<Session>(roomFor(3, true))
    alone.add({ since: 0 })
    const only = alone.ask("blocking")
    assert.isFalse(alone.serve())
    assert.isDefined(only.session)
  })

  it("whose session turned out dead is served before those who came after", () => {
    const queue = new SessionQueue<Session>(roomFor(2))
    queue.add({ since: 0 })
    const dead = queue.ask("read")
    const later = queue.ask("read")
    queue.serve()
    queue.leave(dead)
    const again = queue.ask("read", true)
    queue.add({ since: 1 })
    queue.serve()
    assert.isDefined(again.session)
    assert.isUndefined(later.session)
  })

  it("lends the session that was used last, and puts an unused one back to its place", () => {
    const queue = new SessionQueue<Session>(roomFor(3))
    for (const since of [0, 1, 2]) queue.add({ since })
    const caller = queue.ask("read")
    queue.serve()
    assert.strictEqual(caller.session?.since, 2)
    queue.leave(caller)
    queue.add({ since: 0.5 })
    assert.deepStrictEqual(
      queue.idle.map(({ since }) => since),
      [0, 0.5, 1]
    )
  })

  it("a failed dial is told to those whose turn it is, and to everybody while no session is in use", () => {
    const failure = Exit.fail(new HostUnavailable({ host: "h", reason: "ConnectionFailed", detail: "d", remedy: "r" }))
    const told = (callers: ReadonlyArray<Caller<Session>>) => callers.map(({ served }) => served.effect !== undefined)
    const some = new SessionQueue<Session>(roomFor(2))
    some.add({ since: 0 })
    const first = some.ask("read")
    const [next, last] = [some.ask("read"), some.ask("read")]
    assert.isTrue(some.serve())
    some.disappoint(failure)
    assert.isDefined(first.session)
    assert.deepStrictEqual(told([next, last]), [true, false])
    const none = new SessionQueue<Session>(roomFor(2))
    const all = [none.ask("read"), none.ask("read"), none.ask("blocking"), none.ask("blocking")]
    none.disappoint(failure)
    assert.deepStrictEqual(told(all), [true, true, true, true])
  })
})
