/** Exec hosts with little room: sessions are shared, hosts left alone, and shells renewed. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../layers/Dial.ts"
import * as Capacity from "../../../layers/scvmm/Capacity.ts"
import { HostUnavailable } from "../../../layers/scvmm/ScvmmError.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import type { Quotas } from "../../../src/simulators/scvmm/Quotas.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

const connection = { ...Site.connection, execHosts: [Site.exec1], sessions: 6 }

interface Host extends WinRmServer.WinRmServer {
  readonly scvmm: Scvmm.Scvmm
  readonly creates: () => number
}

const within = <A>(quotas: Partial<Quotas>, body: (host: Host) => Effect.Effect<A, unknown, ScvmmSession>) =>
  Effect.gen(function* () {
    const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0 })
    let creates = 0
    const server = yield* WinRmServer.make({
      host: scvmm.host,
      users: [{ userName: connection.userName, password: Site.password }],
      quotas,
      onExchange: ({ action }) => {
        if (action === "Create") creates += 1
      }
    })
    const dial = Dial.layerInProcess(new Map([[Site.origin(Site.exec1), server.handler]]))
    yield* body({ ...server, scvmm, creates: () => creates }).pipe(
      Effect.provide(Layer.provide(ScvmmSession.layer, dial)),
      Effect.scoped
    )
    assert.deepStrictEqual(yield* server.shells, [])
  }).pipe(Effect.scoped, Effect.provide(Logger.layer([])), Effect.orDie, inTime)

const list = Effect.flatMap(ScvmmSession, (session) => session.run(connection, Verb.GetVirtualMachineList, { Ids: [] }))
const many = (count: number) => Array.from({ length: count }, () => list)

describe("a host that takes no more shells", () => {
  it.effect("has those shared that it took, and is asked for another one seldom", () =>
    within({ maxShellsPerUser: 2 }, (host) =>
      Effect.gen(function* () {
        yield* Effect.all(many(20), { concurrency: "unbounded" })
        assert.strictEqual((yield* host.shells).length, 2)
        assert.isAtMost(host.creates(), 3)
        for (let second = 0; second < 25; second++) {
          yield* Effect.all(many(5), { concurrency: "unbounded" })
          yield* Effect.sleep("1 second")
        }
        assert.isAtMost(host.creates(), 3, "within half a minute")
        for (let minute = 0; minute < 5; minute++) {
          yield* Effect.all(many(5), { concurrency: "unbounded" })
          for (let wait = 0; wait < 6; wait++) {
            yield* Effect.sleep("10 seconds")
            yield* list
          }
        }
        assert.isAtMost(host.creates(), 12, "in five minutes more, idle sessions dialled anew included")
      })
    )
  )

  const blocked = Effect.flatMap(ScvmmSession, (session) =>
    Effect.forkChild(
      session.use(connection, () => Effect.sleep("10 minutes")),
      { startImmediately: true }
    )
  )

  it.effect("leaves a session for reads, though nobody knows how many it takes before calls that block have come", () =>
    within({ maxShellsPerUser: 2 }, (host) =>
      Effect.gen(function* () {
        yield* Effect.all([blocked, blocked, blocked, blocked])
        yield* Effect.sleep("15 seconds")
        assert.strictEqual((yield* host.shells).length, 2)
        for (let minute = 0; minute < 8; minute++) {
          yield* list.pipe(Effect.timeout("5 seconds"))
          yield* Effect.sleep("1 minute")
        }
      })
    )
  )

  it.effect("but one lends that to a call that blocks; a read is told so at once", () =>
    within({ maxShellsPerUser: 1 }, () =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        const long = yield* Effect.forkChild(session.use(connection, () => Effect.sleep("20 minutes")))
        yield* Effect.sleep("15 seconds")
        const error = yield* Effect.flip(Effect.timeout(list, "5 seconds"))
        assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "QuotaExceeded")
        yield* Fiber.join(long)
        yield* list
      })
    )
  )

  it.effect("whose sessions are all in use keeps no read waiting for long", () =>
    within({ maxShellsPerUser: 2 }, (host) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const brief = session.use(connection, () => Effect.sleep("3 seconds"))
        yield* Effect.all([brief, brief], { concurrency: "unbounded" })
        host.disturb([{ on: ["Receive"], disturbance: { _tag: "Delay", seconds: 50 } }])
        const others = yield* Effect.forEach(many(2), (one) => Effect.forkChild(one, { startImmediately: true }))
        yield* Effect.sleep("2 seconds")
        const error = yield* Effect.flip(Effect.timeout(list, "40 seconds"))
        assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "QuotaExceeded")
        host.disturb([])
        yield* Fiber.joinAll(others)
      })
    )
  )

  it.effect("and took none is told as such, and left alone for a while that grows", () =>
    within({ maxShellsPerUser: 0 }, (host) =>
      Effect.gen(function* () {
        const refused = Effect.gen(function* () {
          const error = yield* Effect.flip(list)
          assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "QuotaExceeded")
          assert.match(error.message, /exceeded: 0.*Raise MaxShellsPerUser.*spec\.sessions/u)
          return host.creates()
        })
        assert.strictEqual(yield* refused, 1)
        yield* Effect.sleep("25 seconds")
        assert.strictEqual(yield* refused, 1)
        yield* Effect.sleep("6 seconds")
        assert.strictEqual(yield* refused, 2)
        yield* Effect.sleep("50 seconds")
        assert.strictEqual(yield* refused, 2)
        yield* Effect.sleep("11 seconds")
        assert.strictEqual(yield* refused, 3)
      })
    )
  )
})

describe("a shell", () => {
  it.effect("without room for another command is replaced", () =>
    within({ maxCommandsPerShell: 4 }, (host) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        host.disturb([{ on: ["Signal"], disturbance: { _tag: "Delay", seconds: 3 } }])
        // Its Terminates lag behind: commands that ended still count.
        const results = yield* Effect.forEach(Array.from({ length: 12 }), () => Effect.result(list))
        for (const result of results)
          assert.isTrue(
            result._tag === "Success" ||
              (result.failure._tag === "ScvmmHostUnavailable" && result.failure.reason === "QuotaExceeded")
          )
        host.disturb([])
        yield* Effect.sleep("30 seconds")
        yield* session.run(connection, Verb.NewVirtualMachine, request(1))
      })
    )
  )

  it.effect("out of memory is replaced for reads, and for a mutation has an unknown outcome", () =>
    within({ maxMemoryPerShellMegabytes: 300, pipelineMegabytes: 50 }, (host) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        for (let call = 0; call < 12; call++) yield* list
        assert.isAbove(host.creates(), 2)
        let made = 0
        const ended = new Set<string>()
        for (let call = 1; call <= 6; call++) {
          const result = yield* Effect.result(session.run(connection, Verb.NewVirtualMachine, request(call)))
          ended.add(result._tag === "Success" ? "ok" : result.failure._tag)
          if (result._tag === "Success") made += 1
        }
        assert.sameMembers([...ended], ["ok", "ScvmmOutcomeUnknown"])
        assert.strictEqual(host.scvmm.state.calls().get(Verb.NewVirtualMachine.name), made)
      })
    )
  )
})

describe("Capacity", () => {
  const error = new HostUnavailable({ host: "h", reason: "QuotaExceeded", detail: "full", remedy: "r" })

  it.effect("pauses twice as long after each refusal, at most ten minutes, and starts over after a success", () =>
    Effect.gen(function* () {
      const capacity = Capacity.make(4)
      const pauses: Array<number> = []
      for (let round = 0; round < 7; round++) {
        yield* capacity.refused(2, error)
        let seconds = 0
        while ((yield* Effect.result(capacity.check(2)))._tag === "Failure") {
          yield* TestClock.adjust("1 second")
          seconds += 1
        }
        pauses.push(seconds)
      }
      assert.deepStrictEqual(pauses, [30, 60, 120, 240, 480, 600, 600])
      yield* capacity.accepted
      yield* capacity.refused(2, error)
      yield* TestClock.adjust("30 seconds")
      yield* capacity.check(2)
    })
  )

  it.effect("has as many places as there are sessions, and all again when the time is over", () =>
    Effect.gen(function* () {
      const capacity = Capacity.make(4)
      assert.strictEqual(capacity.places(), 4)
      yield* capacity.refused(2, error)
      assert.strictEqual(capacity.places(), 2)
      assert.strictEqual(capacity.refusal(), error)
      yield* TestClock.adjust("29 seconds")
      yield* capacity.reopened
      assert.strictEqual(capacity.places(), 2)
      yield* TestClock.adjust("2 seconds")
      yield* capacity.reopened
      assert.strictEqual(capacity.places(), 4)
    })
  )

  it.effect("lets nobody wait for a single session, until the time is over", () =>
    Effect.gen(function* () {
      const capacity = Capacity.make(4)
      yield* capacity.refused(2, error)
      assert.isFalse(capacity.single())
      yield* Effect.flip(capacity.check(1))
      assert.isTrue(capacity.single())
      assert.strictEqual(capacity.places(), 4)
      yield* TestClock.adjust("31 seconds")
      yield* capacity.reopened
      assert.isFalse(capacity.single())
    })
  )
})
