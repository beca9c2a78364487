/** Sessions against the simulated SCVMM on the real wire, in virtual time. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

const { connection, exec1, exec2, shells, within } = Site
const nothing = { Ids: [] }
const unknownId = "99999999-9999-4999-8999-999999999999"

/** Too often for the client to ask again for what a Receive answered. */
const lostReceive: Rule = { on: ["Receive"], times: 4, disturbance: { _tag: "Cut", place: "after" } }

const list = Effect.andThen(ScvmmSession, (session) => session.run(connection, Verb.GetVirtualMachineList, nothing))

describe("ScvmmSession", () => {
  it.effect("keeps a session warm, and releases it when idle", () =>
    within((site, logs) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 1, idle: 1 })
        yield* list
        assert.deepStrictEqual(yield* shells(site), [1, 0])
        assert.deepStrictEqual(
          logs.calls().map(({ function: name, outcome, level }) => [name, outcome, level]),
          [
            ["Connect-CapsServer", "ok", "Info"],
            ["Get-CapsVirtualMachineList", "ok", "Info"],
            ["Get-CapsVirtualMachineList", "ok", "Info"]
          ]
        )
        for (const { exchanges } of logs.calls()) assert.isAtLeast(exchanges, 2)
        yield* Effect.sleep("45 seconds")
        assert.deepStrictEqual(yield* shells(site), [0, 0])
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 0, idle: 0 })
        yield* list
        assert.deepStrictEqual(yield* shells(site), [1, 0])
      })
    )
  )

  it.effect("opens no more than spec.sessions", () =>
    within((site) =>
      Effect.gen(function* () {
        yield* Effect.all(
          Array.from({ length: 12 }, () => list),
          { concurrency: "unbounded" }
        )
        const [first = 0, second = 0] = yield* shells(site)
        assert.isAtMost(first, connection.sessions)
        assert.strictEqual(second, 0)
      })
    )
  )

  it.effect("goes on to the next exec host when one does not answer, and says how each fared", () =>
    within((site) =>
      Effect.gen(function* () {
        site.down.add(exec1)
        yield* list
        assert.deepStrictEqual(yield* shells(site), [0, 1])
        const session = yield* ScvmmSession
        const hosts = yield* session.hosts(connection.uid)
        assert.deepStrictEqual(
          hosts.map(({ host, ok }) => [host, ok]),
          [
            [exec1, false],
            [exec2, true]
          ]
        )
        assert.include(hosts[0]?.message ?? "", "spec.execHosts")
      })
    )
  )

  it.effect("a shell whose Create was not heard of is deleted before the next host is tried", () =>
    within((site) =>
      Effect.gen(function* () {
        site.hosts[exec1].disturb([{ on: ["Create"], times: 1, disturbance: { _tag: "Cut", place: "after" } }])
        yield* list
        assert.deepStrictEqual(yield* shells(site), [0, 1])
      })
    )
  )

  it.effect("says why, and what to do, when no exec host answers", () =>
    within((site) =>
      Effect.gen(function* () {
        site.down.add(exec1).add(exec2)
        const error = yield* Effect.flip(list)
        assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "ConnectionFailed")
        site.down.clear()
        yield* list
      })
    )
  )

  it.effect("a wrong password is tried once, on one host, whoever asks", () =>
    within(
      (site, logs) =>
        Effect.gen(function* () {
          const session = yield* ScvmmSession
          const wrong = { ...connection, password: Redacted.make("not-the-password") }
          const call = Effect.flip(session.run(wrong, Verb.GetVirtualMachineList, nothing))
          const errors = yield* Effect.all(
            Array.from({ length: 10 }, () => call),
            { concurrency: "unbounded" }
          )
          for (const error of errors) assert.strictEqual(error._tag, "ScvmmAuthenticationFailed")
          yield* Effect.sleep("29 minutes")
          yield* call
          yield* Effect.flip(session.deleteShell(wrong, { execHost: exec2, shellId: unknownId }))
          assert.strictEqual(yield* site.hosts[exec1].refusedLogOns, 1)
          assert.strictEqual(yield* site.hosts[exec2].refusedLogOns, 0)
          // One attempt after half an hour, the next after a full hour.
          yield* Effect.sleep("2 minutes")
          yield* call
          yield* Effect.sleep("59 minutes")
          yield* call
          assert.strictEqual(yield* site.hosts[exec1].refusedLogOns, 2)
          yield* Effect.sleep("2 minutes")
          yield* call
          assert.strictEqual(yield* site.hosts[exec1].refusedLogOns, 3)
          // Another Secret is tried at once.
          yield* session.run({ ...connection, credentialVersion: "2" }, Verb.GetVirtualMachineList, nothing)
          assert.notInclude(JSON.stringify([logs.lines, errors]), "not-the-password")
        }),
      {},
      "5 seconds"
    )
  )

  it.effect("a password that was changed is one refused log-on, however many sessions are open", () =>
    within((site) =>
      Effect.gen(function* () {
        const many = (count: number) => Array.from({ length: count }, () => list)
        yield* Effect.all(many(6), { concurrency: "unbounded" })
        yield* Effect.sleep("3 seconds")
        assert.isAtLeast((yield* shells(site))[0] ?? 0, 2)
        const before = yield* site.hosts[exec1].exchanges
        site.hosts[exec1].disturb([{ disturbance: { _tag: "Forget" } }])
        for (let call = 0; call < 6; call++) {
          const error = yield* Effect.flip(list)
          assert.strictEqual(error._tag, "ScvmmAuthenticationFailed")
        }
        // With Basic each exchange is a log-on.
        yield* Effect.sleep("2 minutes")
        assert.strictEqual((yield* site.hosts[exec1].exchanges) - before, 1)
      })
    )
  )

  it.effect("an authentication that would show the password is a matter of the provider's spec", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const error = yield* Effect.flip(
          session.run({ ...connection, scheme: "http" }, Verb.GetVirtualMachineList, nothing)
        )
        assert.strictEqual(error._tag, "ScvmmHostUnavailable")
        assert.include(error.message, "spec.transport.authentication")
        assert.deepStrictEqual(yield* shells(site), [0, 0])
      })
    )
  )

  it.effect("a VMM server that does not answer is named", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const error = yield* Effect.flip(
          session.run({ ...connection, scvmmHost: "other.example.test" }, Verb.GetVirtualMachineList, nothing)
        )
        assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "ConnectServerFailed")
        assert.include(error.message, "other.example.test")
        assert.deepStrictEqual(yield* shells(site), [0, 0])
      })
    )
  )

  it.effect("errors of functions and of VMM are typed, and leave the session as it is", () =>
    within(
      (site, logs) =>
        Effect.gen(function* () {
          const session = yield* ScvmmSession
          const missing = yield* Effect.flip(session.run(connection, Verb.GetVirtualMachine, { Id: unknownId }))
          assert.isTrue(missing._tag === "ScvmmVirtualMachineNotFound" && missing.id === unknownId)
          const reference = yield* Effect.flip(
            session.run(connection, Verb.NewVirtualMachine, request(1, { Cloud: "Nowhere" }))
          )
          assert.isTrue(reference._tag === "ScvmmReferenceUnresolved" && reference.field === "cloud")
          const vm = yield* session.run(connection, Verb.NewVirtualMachine, request(1))
          assert.strictEqual(vm.Name, "machine-1")
          const locked = yield* Effect.flip(session.run(connection, Verb.StartVirtualMachine, { Id: vm.Id }))
          assert.isTrue(locked._tag === "ScvmmFailure" && locked.code === 2602)
          assert.deepStrictEqual(locked.retry, { afterMillis: 10_000 })
          assert.deepStrictEqual(
            logs.calls().map(({ outcome }) => outcome),
            ["ok", "ScvmmVirtualMachineNotFound", "ScvmmReferenceUnresolved", "ok", "ScvmmFailure"]
          )
          assert.deepStrictEqual(yield* shells(site), [1, 0])
        }),
      { faults: [{ on: { verb: "Start-CapsVirtualMachine" }, nth: 1, outcome: { code: 2602 } }] }
    )
  )

  it.effect("a read whose answer is lost is repeated on another session", () =>
    within((site, logs) =>
      Effect.gen(function* () {
        yield* list
        site.hosts[exec1].disturb([lostReceive])
        yield* list
        assert.deepStrictEqual(
          logs.calls().flatMap(({ function: name, outcome }) => (name === "Connect-CapsServer" ? [] : [outcome])),
          ["ok", "ScvmmSessionLost", "ok"]
        )
      })
    )
  )

  it.effect("a mutation whose answer is lost has an unknown outcome, and is not repeated", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        site.hosts[exec1].disturb([lostReceive])
        const error = yield* Effect.flip(session.run(connection, Verb.NewVirtualMachine, request(1)))
        assert.strictEqual(error._tag, "ScvmmOutcomeUnknown")
        assert.strictEqual(error.retry, "outcome-unknown")
        yield* Effect.sleep("2 minutes")
        assert.isAtMost(site.scvmm.state.calls().get("New-CapsVirtualMachine") ?? 0, 1)
      })
    )
  )

  it.effect("a mutation that never left is sent again on another session", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* list
        // The host came back without its shells.
        const [shell] = yield* site.hosts[exec1].shells
        yield* session.deleteShell(connection, { execHost: exec1, shellId: shell?.shellId ?? "" })
        yield* session.run(connection, Verb.NewVirtualMachine, request(1))
        assert.strictEqual(site.scvmm.state.calls().get("New-CapsVirtualMachine"), 1)
      })
    )
  )

  it.effect("a shell that is gone counts as deleted", () =>
    within(() =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* session.deleteShell(connection, { execHost: exec1, shellId: unknownId.toUpperCase() })
      })
    )
  )

  it.effect("an interrupted call stops its pipeline, and its session is not used again", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const before = yield* session.use(connection, (open) =>
          Effect.gen(function* () {
            yield* open.run(Verb.GetVirtualMachineList, nothing)
            return open.shellId
          })
        )
        const fiber = yield* Effect.forkChild(session.run(connection, Verb.NewVirtualMachine, request(1)))
        yield* Effect.sleep("60 millis")
        yield* Fiber.interrupt(fiber)
        const after = yield* session.use(connection, (open) => Effect.succeed(open.shellId))
        assert.notStrictEqual(after, before)
        yield* Effect.sleep("2 minutes")
        assert.deepStrictEqual(site.scvmm.state.virtualMachines(), [])
      })
    )
  )

  it.effect("calls that block leave a session for reads", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const blocked = yield* Effect.forEach(Array.from({ length: 6 }), () =>
          Effect.forkChild(session.use(connection, () => Effect.never))
        )
        yield* Effect.sleep("1 second")
        yield* list
        assert.strictEqual((yield* session.server(connection)).Name, "vmm.example.test")
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 3, idle: 1 })
        yield* Fiber.interruptAll(blocked)
        yield* list
        assert.isAtMost((yield* shells(site))[0] ?? 0, 3)
      })
    )
  )

  it.effect("a provider of one session has another for reads", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const single = { ...connection, sessions: 1 }
        const began: Array<number> = []
        const blocked = yield* Effect.forEach([1, 2, 3], (n) =>
          Effect.forkChild(
            session.use(single, () =>
              Effect.andThen(
                Effect.sync(() => began.push(n)),
                Effect.never
              )
            )
          )
        )
        yield* Effect.sleep("1 second")
        const read = session.run(single, Verb.GetVirtualMachineList, nothing)
        yield* Effect.all([read, read, read], { concurrency: "unbounded" }).pipe(Effect.timeout("10 seconds"))
        assert.deepStrictEqual(began, [1])
        assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 2, idle: 1 })
        assert.deepStrictEqual(yield* shells(site), [2, 0])
        yield* Fiber.interruptAll(blocked)
      })
    )
  )

  it.effect("sends no functions to a session configuration of the site's own", () =>
    within((site) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        const error = yield* Effect.flip(
          session.run({ ...connection, configurationName: "Capscvmm" }, Verb.GetVirtualMachineList, nothing)
        )
        // This site has no such configuration.
        assert.isTrue(error._tag === "ScvmmHostUnavailable" && error.reason === "SessionFailed")
        assert.deepStrictEqual(yield* shells(site), [0, 0])
      })
    )
  )

  it.effect("counts calls and errors by function", () =>
    within(() =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* Effect.flip(session.run(connection, Verb.GetVirtualMachine, { Id: unknownId }))
        const snapshot = yield* Metric.snapshot
        const of = (id: string) =>
          snapshot.find((metric) => metric.id === id && metric.attributes?.["function"] === "Get-CapsVirtualMachine")
        for (const id of ["winrm_calls_total", "winrm_calls_errors_total", "winrm_calls_duration_seconds"]) {
          const state = of(id)?.state
          assert.isDefined(state, id)
          if (state !== undefined && "count" in state) assert.isAbove(Number(state.count), 0, id)
        }
      })
    ).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
