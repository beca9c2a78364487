/** A pool over time: deadlines, worn and idle sessions, a session kept warm, the way back to the first host, orphans. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { Disturbance, Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { make as makeEntropy } from "../../../src/simulators/scvmm/Entropy.ts"
import { request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

const { exec1, exec2, shellIds, shells } = Site
const connection = { ...Site.connection, keepAliveSeconds: 300 }
const unknownId = "99999999-9999-4999-8999-999999999999"

type Logs = ReturnType<typeof Site.logs>

/** Steps of a second: what happens here takes minutes. */
const within = <A, E>(
  body: (site: Site.Site, logs: Logs) => Effect.Effect<A, E, ScvmmSession>,
  options: Parameters<typeof Site.make>[0] = {},
  step: Duration.Input = "1 second"
) => Site.within(body, options, step)

const listOn = (over: typeof connection) =>
  Effect.andThen(ScvmmSession, (session) => session.run(over, Verb.GetVirtualMachineList, { Ids: [] }))
const list = listOn(connection)

const outcomes = (logs: Logs) =>
  logs.calls().flatMap(({ function: name, outcome }) => (name === "Connect-CapsServer" ? [] : [outcome]))

const minutes = (effect: Effect.Effect<unknown, unknown, ScvmmSession>) =>
  Effect.gen(function* () {
    const began = yield* Clock.currentTimeMillis
    yield* Effect.exit(effect)
    return ((yield* Clock.currentTimeMillis) - began) / 60_000
  })

describe("a call's deadline", () => {
  const stuck = (verb: { readonly name: string }, times: number) =>
    [{ on: { verb: verb.name }, nth: 1, times, outcome: "stuck" }] as const

  it.effect("ends a read that hangs, discards its session, and counts from when the call has one", () =>
    within(
      (site, logs) =>
        Effect.gen(function* () {
          // All sessions hang; the fourth call has its own time when it is its turn.
          const four = yield* Effect.forEach([1, 2, 3, 4], () =>
            Effect.forkChild(Effect.result(list), { startImmediately: true })
          )
          yield* Effect.sleep("4 minutes")
          const before = yield* shellIds(site, exec1)
          assert.strictEqual(before.length, 3)
          assert.deepStrictEqual(outcomes(logs), [])
          const ended = yield* Fiber.joinAll(four)
          assert.deepStrictEqual(
            ended.map(({ _tag }) => _tag),
            ["Success", "Success", "Success", "Success"]
          )
          assert.strictEqual(outcomes(logs).filter((outcome) => outcome === "ScvmmSessionLost").length, 3)
          const after = yield* shellIds(site, exec1)
          assert.isTrue(before.every((id) => !after.includes(id)))
          yield* Effect.sleep("1 second")
          for (const { pipelinesRunning } of yield* site.hosts[exec1].shells) assert.strictEqual(pipelinesRunning, 0)
        }),
      { faults: stuck(Verb.GetVirtualMachineList, 3) }
    )
  )

  it.effect("leaves open what became of a mutation that hangs, and says which", () =>
    within(
      (site) =>
        Effect.gen(function* () {
          const session = yield* ScvmmSession
          const error = yield* Effect.flip(session.run(connection, Verb.StartVirtualMachine, { Id: unknownId }))
          assert.isTrue(error._tag === "ScvmmOutcomeUnknown" && error.asked === unknownId)
          assert.include(error.message, `Start-CapsVirtualMachine of ${unknownId} on ${exec1}`)
          assert.include(error.message, "no answer after 60 min")
          yield* Effect.sleep("1 minute")
          assert.deepStrictEqual(yield* shells(site), [0, 0])
          assert.strictEqual(site.scvmm.state.calls().get("Start-CapsVirtualMachine"), 1)
        }),
      { faults: stuck(Verb.StartVirtualMachine, 1) },
      "5 seconds"
    )
  )

  it.effect("is kept when the host stays silent to the stop as well", () =>
    within(
      (site) =>
        Effect.gen(function* () {
          yield* list
          const took = yield* Effect.forkChild(minutes(Effect.timeout(list, "7 minutes")), { startImmediately: true })
          yield* Effect.sleep("2 seconds")
          site.hosts[exec1].disturb([{ on: ["Signal"], disturbance: { _tag: "Silence", carriedOut: false } }])
          // Its own time, and some seconds for the stop; then another session answers.
          assert.isBelow(yield* Fiber.join(took), 5.5)
          site.hosts[exec1].disturb([])
          yield* Effect.sleep("2 minutes")
        }),
      { faults: [{ on: { verb: Verb.GetVirtualMachineList.name }, nth: 2, outcome: "stuck" }] }
    )
  )
})

describe("a worn session", () => {
  it.effect("is replaced when it takes too much memory, of which it is asked seldom and beside the calls", () =>
    within(
      (site, logs) =>
        Effect.gen(function* () {
          let gets = 0
          site.onExchange = ({ action }) => void (gets += action === "Get" ? 1 : 0)
          // 58 MB and 5 MB a pipeline: 768 MB after 140.
          yield* Effect.repeat(list, { times: 119 })
          yield* Effect.sleep("1 second")
          const [first] = yield* shellIds(site, exec1)
          assert.strictEqual(gets, 2)
          yield* Effect.repeat(list, { times: 49 })
          yield* Effect.sleep("1 second")
          assert.strictEqual(gets, 3)
          assert.notInclude(yield* shellIds(site, exec1), first)
          for (const { function: name, exchanges } of logs.calls())
            if (name !== "Connect-CapsServer") assert.isAtMost(exchanges, 3)
          const [line] = logs.lines.filter(({ message }) => String(message) === "PowerShell session replaced")
          assert.match(String(line?.fields["reason"]), /MB of memory/u)
        }),
      { quotas: { pipelineMegabytes: 5 } }
    )
  )
})

describe("an idle session", () => {
  it.effect("that died is discarded before it is lent: nobody notices", () =>
    within((site, logs) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        const [shellId = ""] = yield* shellIds(site, exec1)
        yield* session.deleteShell(connection, { execHost: exec1, shellId })
        yield* Effect.sleep("31 seconds")
        yield* session.run(connection, Verb.NewVirtualMachine, request(1))
        assert.deepStrictEqual(outcomes(logs), ["ok", "ok"])
        assert.strictEqual(site.scvmm.state.calls().get("New-CapsVirtualMachine"), 1)
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 1, idle: 1 })
      })
    )
  )

  it.effect("of a host that is silent costs some seconds, not the call", () =>
    within((site, logs) =>
      Effect.gen(function* () {
        yield* list
        yield* Effect.sleep("31 seconds")
        site.hosts[exec1].disturb([{ on: ["Get"], disturbance: { _tag: "Silence", carriedOut: false } }])
        assert.isBelow(yield* minutes(list), 0.4)
        site.hosts[exec1].disturb([])
        assert.deepStrictEqual(outcomes(logs), ["ok", "ok"])
        yield* Effect.sleep("20 seconds")
        assert.deepStrictEqual(yield* shells(site), [1, 0])
      })
    )
  )

  it.effect("that the host disconnected is connected again", () =>
    within(
      (site, logs) =>
        Effect.gen(function* () {
          yield* list
          const before = yield* shellIds(site, exec1)
          yield* Effect.sleep("2 minutes")
          yield* list
          assert.deepStrictEqual(yield* shellIds(site, exec1), before)
          assert.deepStrictEqual(outcomes(logs), ["ok", "ok"])
        }),
      { quotas: { disconnectIdleSeconds: 60 } }
    )
  )

  it.effect("is asked nothing while calls follow one another", () =>
    within((site) =>
      Effect.gen(function* () {
        const actions: Array<string> = []
        yield* list
        yield* Effect.sleep("10 seconds")
        site.onExchange = ({ action }) => void actions.push(action)
        for (let call = 0; call < 5; call++) {
          yield* list
          yield* Effect.sleep("20 seconds")
        }
        assert.deepStrictEqual([...new Set(actions)].toSorted(), ["Command", "Receive", "Signal"])
        assert.strictEqual(actions.length, 15)
      })
    )
  )

  it.effect("of an older version of the provider is released like any other", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const brief = { ...connection, keepAliveSeconds: 20 }
        yield* session.keepWarm(connection.uid, true)
        yield* listOn(brief)
        const [old] = yield* shellIds(site, exec1)
        yield* listOn({ ...brief, specVersion: "2" })
        assert.deepStrictEqual(yield* shells(site), [2, 0])
        yield* Effect.sleep("25 seconds")
        const left = yield* shellIds(site, exec1)
        assert.strictEqual(left.length, 1)
        assert.notInclude(left, old)
      })
    )
  )
})

describe("keepAliveSeconds", () => {
  it.effect("of more than a quarter of an hour is kept, too", () =>
    within(
      (site) =>
        Effect.gen(function* () {
          const session = yield* ScvmmSession
          const patient = { ...connection, keepAliveSeconds: 1800 }
          yield* listOn(patient)
          const before = yield* shellIds(site, exec1)
          yield* Effect.sleep("29 minutes")
          assert.deepStrictEqual(yield* shellIds(site, exec1), before)
          yield* Effect.sleep("2 minutes")
          assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 0, idle: 0 })
          // Long after, the pool itself is forgotten, and with the next call there is one again, as warm as was said.
          yield* session.keepWarm(connection.uid, true)
          yield* Effect.sleep("50 minutes")
          yield* listOn(patient)
          yield* Effect.sleep("35 minutes")
          assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 1, idle: 1 })
        }),
      {},
      "5 seconds"
    )
  )
})

describe("spec.sessions", () => {
  it.effect("holds for shells that are being deleted, too", () =>
    within(
      (site) =>
        Effect.gen(function* () {
          const session = yield* ScvmmSession
          const borrow = (held: Effect.Effect<void>) => session.use(connection, () => held)
          const borrowed = yield* Effect.forEach([1, 2], () => Effect.forkChild(borrow(Effect.never)))
          const most = { shells: 0 }
          const watch = yield* Effect.forkChild(
            Effect.forever(
              Effect.gen(function* () {
                most.shells = Math.max(most.shells, (yield* shells(site))[0] ?? 0)
                yield* Effect.sleep("100 millis")
              })
            )
          )
          yield* Effect.sleep("5 seconds")
          site.hosts[exec1].disturb([{ on: ["Delete"], disturbance: { _tag: "Delay", seconds: 4 } }])
          yield* Fiber.interruptAll(borrowed)
          const again = borrow(Effect.sleep("3 seconds"))
          yield* Effect.all([again, again, list], { concurrency: "unbounded" })
          yield* Effect.sleep("10 seconds")
          yield* Fiber.interrupt(watch)
          site.hosts[exec1].disturb([])
          assert.strictEqual(most.shells, 3)
        }),
      {},
      "50 millis"
    )
  )
})

describe("a provider with machines in transition", () => {
  it.effect("keeps one session, and releases it an idle time after", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const brief = { ...connection, keepAliveSeconds: 20 }
        const busy = session.use(brief, () => Effect.sleep("5 seconds"))
        yield* Effect.all([busy, busy, listOn(brief)], { concurrency: "unbounded" })
        assert.isAtLeast((yield* shells(site))[0] ?? 0, 2)
        yield* session.keepWarm(connection.uid, true)
        yield* Effect.sleep("30 seconds")
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 1, idle: 1 })
        yield* session.keepWarm(connection.uid, false)
        yield* Effect.sleep("15 seconds")
        assert.deepStrictEqual(yield* shells(site), [1, 0])
        yield* Effect.sleep("10 seconds")
        assert.deepStrictEqual(yield* shells(site), [0, 0])
      })
    )
  )
})

describe("exec hosts", () => {
  it.effect("are left alone for a while when they fail, unless all do", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const creates: Array<string> = []
        site.onDial = (host) => void creates.push(host)
        site.down.add(exec1)
        yield* list
        const busy = session.use(connection, () => Effect.sleep("5 seconds"))
        yield* Effect.all([busy, busy, list], { concurrency: "unbounded" })
        const tries = creates.filter((host) => host === exec1).length
        yield* Effect.sleep("20 seconds")
        assert.strictEqual(creates.filter((host) => host === exec1).length, tries)
        site.down.add(exec2)
        yield* Effect.exit(list)
        assert.isAbove(creates.filter((host) => host === exec1).length, tries)
        // Shells that could not be deleted end by their idle timeout.
        yield* Effect.sleep("16 minutes")
      })
    )
  )

  it.effect("are gone back to when the first works again", () =>
    within((site, logs) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        site.down.add(exec1)
        yield* list
        const long = yield* Effect.forkChild(
          session.use(connection, ({ execHost }) => Effect.as(Effect.sleep("3 minutes"), execHost))
        )
        yield* Effect.sleep("10 seconds")
        site.down.clear()
        assert.isAtLeast((yield* shells(site))[1] ?? 0, 1)
        // It is not tried before its rest is over, and then by the next use.
        yield* list
        assert.strictEqual((yield* shells(site))[0], 0)
        yield* Effect.sleep("25 seconds")
        yield* list
        yield* Effect.sleep("10 seconds")
        assert.strictEqual((yield* shells(site))[0], 1)
        // Who is in the middle of something stays where it is.
        assert.strictEqual((yield* shells(site))[1], 1)
        assert.strictEqual(yield* session.use(connection, ({ execHost }) => Effect.succeed(execHost)), exec1)
        assert.strictEqual(yield* Fiber.join(long), exec2)
        yield* Effect.sleep("5 seconds")
        assert.deepStrictEqual(yield* shells(site), [2, 0])
        assert.deepStrictEqual([...new Set(outcomes(logs))], ["ok"])
        assert.deepStrictEqual(
          (yield* session.hosts(connection.uid)).map(({ host, ok }) => [host, ok]),
          [
            [exec1, true],
            [exec2, true]
          ]
        )
      })
    )
  )

  it.effect("that are preferred and full keep nobody from sessions on the next", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        site.down.add(exec1)
        yield* list
        site.down.clear()
        const text = "The maximum number of shells is exceeded."
        site.hosts[exec1].disturb([
          { on: ["Create"], disturbance: { _tag: "Fault", code: 2150859173, subcode: "QuotaLimit", text } }
        ])
        yield* Effect.sleep("31 seconds")
        // Its rest is over: it is tried, and refuses.
        yield* list
        yield* Effect.sleep("5 seconds")
        const busy = session.use(connection, ({ execHost }) => Effect.as(Effect.sleep("5 seconds"), execHost))
        assert.deepStrictEqual(
          yield* Effect.timeout(Effect.all([busy, busy], { concurrency: "unbounded" }), "10 seconds"),
          [exec2, exec2]
        )
        site.hosts[exec1].disturb([])
      })
    )
  )

  it.effect("are not walked over by a refused log-on that one of them answers later", () =>
    within((site) =>
      Effect.gen(function* () {
        yield* list
        yield* Effect.sleep("31 seconds")
        // With Basic the look at the idle session is a log-on.
        site.hosts[exec1].disturb([{ disturbance: { _tag: "Forget" } }])
        let exchanges = 0
        site.onExchange = () => void (exchanges += 1)
        const error = yield* Effect.flip(list)
        assert.strictEqual(error._tag, "ScvmmAuthenticationFailed")
        const again = yield* Effect.flip(list)
        assert.strictEqual(again._tag, "ScvmmAuthenticationFailed")
        assert.strictEqual((yield* shells(site))[1], 0)
        assert.strictEqual(exchanges, 1)
        yield* Effect.sleep("16 minutes")
      })
    )
  )
})

describe("many callers on bad days", () => {
  const disturbances: ReadonlyArray<Disturbance> = [
    { _tag: "Cut", place: "before" },
    { _tag: "Cut", place: "within" },
    { _tag: "Delay", seconds: 3 },
    { _tag: "Answer", status: 503, contentType: "", body: "", carriedOut: false },
    { _tag: "Fault", code: 2150859173, subcode: "QuotaLimit", text: "The maximum number of shells is exceeded." },
    { _tag: "Fault", code: 2150858843, subcode: "InvalidSelectors", text: "No such shell or command." },
    { _tag: "Truncate" }
  ]

  it.effect("all hear something, never are there too many sessions, and everything heals", () =>
    Effect.gen(function* () {
      for (let day = 0; day < 3; day++) {
        const { between } = yield* makeEntropy(`bad day ${day} of a pool`)
        const brief = { ...connection, keepAliveSeconds: 40, sessions: 2 + (day % 3) }
        yield* within((site) =>
          Effect.gen(function* () {
            const session = yield* ScvmmSession
            const rules = Array.from({ length: 2 }, (): Rule => {
              const disturbance = disturbances[Math.floor(between(0, disturbances.length))]
              return { probability: between(0, 0.15), disturbance: disturbance ?? { _tag: "Forget" } }
            })
            for (const host of Object.values(site.hosts)) host.disturb(rules)
            const caller = Effect.gen(function* () {
              yield* Effect.sleep(between(0, 60_000))
              const kind = between(0, 3)
              const call =
                kind < 2
                  ? listOn(brief)
                  : session.use(brief, (open) =>
                      Effect.andThen(
                        open.run(Verb.GetVirtualMachineList, { Ids: [] }),
                        Effect.sleep(between(0, 20_000))
                      )
                    )
              // Some lose patience.
              return yield* Effect.exit(kind % 1 < 0.2 ? Effect.timeout(call, between(0, 5000)) : call)
            })
            const callers = yield* Effect.forEach(Array.from({ length: 60 }), () => Effect.forkChild(caller))
            const watch = yield* Effect.forkChild(
              Effect.forever(
                Effect.gen(function* () {
                  const { open, idle } = yield* session.counts(brief.uid)
                  assert.isAtMost(open, brief.sessions)
                  assert.isAtMost(idle, open)
                  yield* Effect.sleep("1 second")
                })
              )
            )
            yield* Fiber.joinAll(callers).pipe(Effect.timeout("40 minutes"))
            assert.isUndefined(watch.pollUnsafe())
            yield* Fiber.interrupt(watch)
            for (const host of Object.values(site.hosts)) host.disturb([])
            site.down.add(exec2)
            // At the latest when no quota is believed in any more.
            yield* Effect.retry(listOn(brief), Schedule.spaced("30 seconds")).pipe(Effect.timeout("11 minutes"))
            yield* Effect.sleep("3 minutes")
            assert.deepStrictEqual(yield* session.counts(brief.uid), { open: 0, idle: 0 })
          })
        )
      }
    })
  )
})
