/** Faults of WinRM by row: what they become at a log-on, at a Create and in a call, and what they tell a person to change. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as fs from "node:fs"
import { Dial } from "../../../layers/Dial.ts"
import { verbs } from "../../../layers/scvmm/Catalogue.ts"
import { advices } from "../../../layers/scvmm/FaultAdvice.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import { byCode, isRefusal } from "../../../layers/wsman/Fault.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import type { Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

const silent = Logger.layer([])
const connection = { ...Site.connection, execHosts: [Site.exec1] }

/** Runs `body` against a listener whose rules it may set. */
const within = <A>(
  body: (server: WinRmServer.WinRmServer, scvmm: Scvmm.Scvmm) => Effect.Effect<A, unknown, ScvmmSession>
) =>
  Effect.gen(function* () {
    const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0 })
    const users = [{ userName: connection.userName, password: Site.password }]
    const server = yield* WinRmServer.make({ host: scvmm.host, users })
    const dial = Dial.layerInProcess(new Map([[Site.origin(Site.exec1), server.handler]]))
    return yield* body(server, scvmm).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, dial)), Effect.scoped)
  }).pipe(Effect.scoped, Effect.provide(silent), Effect.orDie, inTime)

const faulty = (on: "Create" | "Command", code: number, times = 99): ReadonlyArray<Rule> => [
  { on: [on], times, disturbance: { _tag: "Fault", code, subcode: "InternalError", text: "Because." } }
]

/** Create ends so for good: as what, told how, and how often it was asked. */
const atCreate = (code: number) =>
  within((server) =>
    Effect.gen(function* () {
      const session = yield* ScvmmSession
      server.disturb(faulty("Create", code))
      const before = yield* server.exchanges
      const error = yield* Effect.flip(session.run(connection, Verb.GetVirtualMachineList, { Ids: [] }))
      const reason = error._tag === "ScvmmHostUnavailable" ? error.reason : error._tag
      return { reason, retry: error.retry, message: error.message, asked: (yield* server.exchanges) - before }
    })
  )

/** The one Command of a mutation ends so. */
const atCommand = (code: number) =>
  within((server, scvmm) =>
    Effect.gen(function* () {
      const session = yield* ScvmmSession
      yield* session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
      server.disturb(faulty("Command", code, 1))
      const result = yield* Effect.result(session.run(connection, Verb.NewVirtualMachine, request(1)))
      const tag = result._tag === "Success" ? "ok" : result.failure._tag
      return {
        ended: result._tag === "Failure" && "reason" in result.failure ? `${tag} ${result.failure.reason}` : tag,
        message: result._tag === "Failure" ? result.failure.message : "",
        ran: scvmm.state.calls().get(Verb.NewVirtualMachine.name) ?? 0
      }
    })
  )

/** Windows' small numbers are known in decimal. */
const short = (code: number): string => (code < 0x10000 ? String(code) : hex(code).slice(2))

const hex = (code: number): string => `0x${code.toString(16).toUpperCase().padStart(8, "0")}`

const atCreateByClassification = {
  operationTimeout: ["SessionFailed", "backoff"],
  invalidSelectors: ["SessionFailed", "backoff"],
  disconnected: ["SessionFailed", "backoff"],
  envelopeTooLarge: ["QuotaExceeded", "backoff"],
  quota: ["QuotaExceeded", "backoff"],
  memory: ["QuotaExceeded", "backoff"],
  accessDenied: ["AccessDenied", "backoff"],
  authentication: ["ScvmmAuthenticationFailed", "terminal"],
  invalidRequest: ["SessionFailed", "backoff"],
  configuration: ["SessionFailed", "backoff"],
  transient: ["SessionFailed", "backoff"],
  unknown: ["SessionFailed", "backoff"]
} as const

/** A mutation whose Command was refused did not run, and is sent again where another session may fare better. */
const atCommandByClassification = {
  operationTimeout: ["ScvmmOutcomeUnknown", 0],
  invalidSelectors: ["ok", 1],
  disconnected: ["ok", 1],
  envelopeTooLarge: ["ScvmmHostUnavailable QuotaExceeded", 0],
  quota: ["ScvmmHostUnavailable QuotaExceeded", 0],
  memory: ["ScvmmOutcomeUnknown", 0],
  accessDenied: ["ScvmmHostUnavailable AccessDenied", 0],
  authentication: ["ScvmmAuthenticationFailed", 0],
  invalidRequest: ["ok", 1],
  configuration: ["ScvmmHostUnavailable SessionFailed", 0],
  transient: ["ScvmmOutcomeUnknown", 0],
  unknown: ["ScvmmOutcomeUnknown", 0]
} as const

const codes = [...byCode.keys(), 0x80338fff]

describe("a fault", () => {
  it("has advice for every code that is told apart, and no other", () => {
    assert.sameMembers(
      advices.flatMap((advice) => advice.codes),
      [...byCode.keys()]
    )
  })

  it("and its configuration are described as they are", () => {
    const page = fs.readFileSync(new URL("../../../docs/winrm.md", import.meta.url), "utf8")
    const rows = advices.map(
      (advice) => `| ${advice.codes.map(short).join(", ")} | ${advice.meaning} | ${advice.remedy} |`
    )
    const shown = page.slice(page.indexOf("## Faults of WinRM")).split("\n")
    const table = shown.slice(shown.indexOf("|---|---|---|") + 1)
    assert.deepStrictEqual(table.slice(0, table.indexOf("")), rows)
    const functions = page.slice(page.indexOf("-VisibleFunctions"), page.indexOf("New-PSSessionConfigurationFile"))
    assert.deepStrictEqual(
      [...functions.matchAll(/'([\w-]+)'/gu)].map(([, name]) => name),
      verbs.map(({ name }) => name)
    )
  })

  it.effect.each(codes.map((code) => ({ code, name: hex(code) })))("$name at Create", ({ code }) =>
    Effect.gen(function* () {
      const classification = byCode.get(code) ?? "unknown"
      const [reason, retry] = atCreateByClassification[classification]
      const seen = yield* atCreate(code)
      assert.deepInclude(seen, { reason, retry })
      assert.include(seen.message, "Because")
      const remedy = advices.find((advice) => advice.codes.includes(code))?.remedy ?? "spec.transport.configurationName"
      assert.include(seen.message, remedy)
      // A quota makes it look for orphans; a refused log-on must not be followed by another. A shell that may be there all
      // the same is deleted.
      const times = classification === "transient" ? 6 : 1
      const deleted = isRefusal(classification) ? 0 : times
      assert.strictEqual(seen.asked, times + deleted + (classification === "quota" ? 1 : 0))
    })
  )

  it.effect.each(codes.map((code) => ({ code, name: hex(code) })))("$name at the Command of a mutation", ({ code }) =>
    Effect.gen(function* () {
      const [ended, ran] = atCommandByClassification[byCode.get(code) ?? "unknown"]
      const seen = yield* atCommand(code)
      assert.deepInclude(seen, { ended, ran })
      if (ended !== "ok") assert.match(seen.message, /Because/u)
    })
  )

  it.effect("of a time-out ends no call, however often it comes", () =>
    within((server, scvmm) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        yield* session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
        server.disturb([
          {
            on: ["Receive"],
            times: 40,
            disturbance: { _tag: "Fault", code: 2150858793, subcode: "TimedOut", text: "No output yet." }
          }
        ])
        yield* session.run(connection, Verb.NewVirtualMachine, request(1))
        assert.strictEqual(scvmm.state.calls().get(Verb.NewVirtualMachine.name), 1)
      })
    )
  )

  it.effect("that PowerShell's own client tries again is tried again, and its shell is the only one", () =>
    within((server) =>
      Effect.gen(function* () {
        const session = yield* ScvmmSession
        server.disturb(faulty("Create", 0x80338012, 3))
        yield* session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
        assert.strictEqual((yield* server.shells).length, 1)
      })
    )
  )
})
