/** The life of a session — dialled, used for reads and mutations, closed — while its exchanges are disturbed, in virtual time. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Dial } from "../../../layers/Dial.ts"
import { type ProviderConnection, ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Verb from "../../../schemas/vmm/Verb.ts"
import * as CertificateAuthority from "../../../src/simulators/CertificateAuthority.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import type { Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import { inTime } from "../../harness/VirtualTime.ts"
import { request } from "../../src/simulators/scvmm/Scenario.ts"
import * as Site from "./Site.ts"

/** Basic inside TLS, NTLM bound to TLS, and NTLM that seals. */
export const wires = {
  "https, Basic": { scheme: "https", port: 5986, authentication: "Basic" },
  "https, NTLM": { scheme: "https", port: 5986, authentication: "Negotiate" },
  "http, NTLM": { scheme: "http", port: 5985, authentication: "Negotiate" }
} as const
export type Wire = keyof typeof wires

const host = "exec1.example.test"
const connectionOf = (wire: Wire): ProviderConnection => ({ ...Site.connection, execHosts: [host], ...wires[wire] })

/** Larger than an envelope, so that it takes a Send. */
const large = request(2, { Description: "A".repeat(150_000) })

export interface Life {
  /** Every exchange, in order. */
  readonly exchanges: ReadonlyArray<WinRmServer.Exchange>
  /** How each call ended: "ok" or an error's tag, and how often the exec host ran it. */
  readonly calls: ReadonlyArray<{
    readonly call: string
    readonly ended: string
    readonly message: string
    readonly mutation: boolean
    readonly ran: number
    readonly seconds: number
  }>
  /** Shells left an idle time after the end. */
  readonly shells: number
  readonly refusedLogOns: number
}

interface Run {
  readonly server: WinRmServer.WinRmServer
  readonly scvmm: Scvmm.Scvmm
  readonly connection: ProviderConnection
  readonly exchanges: Array<WinRmServer.Exchange>
}

const made = Effect.fnUntraced(function* (wire: Wire, rules: ReadonlyArray<Rule>, seed: string) {
  const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0 })
  const exchanges: Run["exchanges"] = []
  const server = yield* WinRmServer.make({
    host: scvmm.host,
    users: [{ userName: "EXAMPLE\\capi", password: Site.password }],
    seed,
    onExchange: (exchange) => void exchanges.push(exchange)
  })
  server.disturb(rules)
  return { server, scvmm, connection: connectionOf(wire), exchanges } satisfies Run
})

const live = Effect.fnUntraced(function* ({ scvmm, connection }: Run) {
  const calls: Array<Life["calls"][number]> = []
  const session = yield* ScvmmSession
  const step = <P, A, E extends { readonly _tag: string; readonly message: string }>(
    verb: Verb.Verb<P, A>,
    call: Effect.Effect<unknown, E>
  ) =>
    Effect.gen(function* () {
      const ranBefore = scvmm.state.calls().get(verb.name) ?? 0
      const began = yield* Clock.currentTimeMillis
      const exit = yield* Effect.exit(call)
      const failed = Exit.isFailure(exit) ? exit.cause.reasons[0] : undefined
      const error = failed?._tag === "Fail" ? failed.error : undefined
      calls.push({
        call: verb.name,
        ended: failed === undefined ? "ok" : (error?._tag ?? `defect ${String(failed)}`),
        message: error?.message ?? "",
        mutation: verb.effect === "mutation",
        ran: (scvmm.state.calls().get(verb.name) ?? 0) - ranBefore,
        seconds: ((yield* Clock.currentTimeMillis) - began) / 1000
      })
    })
  const list = session.run(connection, Verb.GetVirtualMachineList, { Ids: [] })
  yield* step(Verb.GetVirtualMachineList, list)
  yield* step(Verb.NewVirtualMachine, session.run(connection, Verb.NewVirtualMachine, request(1)))
  yield* step(
    Verb.NewVirtualMachine,
    session.use(connection, (open) => open.run(Verb.NewVirtualMachine, large))
  )
  yield* step(Verb.GetVirtualMachineList, list)
  return calls
})

const told = Effect.fnUntraced(function* ({ server, exchanges }: Run, calls: Life["calls"]): Effect.fn.Return<Life> {
  return {
    exchanges: [...exchanges],
    calls,
    shells: (yield* server.shells).length,
    refusedLogOns: yield* server.refusedLogOns
  }
})

const silent = Logger.layer([])

/** One life in process, and an idle time after it. */
export const life = (wire: Wire, rules: ReadonlyArray<Rule>, seed = ""): Effect.Effect<Life> =>
  Effect.gen(function* () {
    const run = yield* made(wire, rules, seed)
    const { scheme, port } = run.connection
    const dial = Dial.layerInProcess(new Map([[`${scheme}://${host}:${port}`, run.server.handler]]))
    const calls = yield* live(run).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, dial)), Effect.scoped)
    yield* Effect.sleep("70 seconds")
    return yield* told(run, calls)
  }).pipe(Effect.scoped, Effect.provide(silent), inTime)

/** One life over sockets of this machine; of its shells only those count that are left at once. */
export const lifeOnSockets = (wire: Wire, rules: ReadonlyArray<Rule>): Effect.Effect<Life> =>
  Effect.gen(function* () {
    const run = yield* made(wire, rules, "")
    const authority = yield* CertificateAuthority.make("simulators")
    const secure = run.connection.scheme === "https"
    const listener = yield* Listener.listen({
      handler: run.server.handler,
      ...(secure && { tls: yield* authority.issue({ commonName: "localhost", usage: "server" }) })
    })
    const connection = {
      ...run.connection,
      execHosts: ["127.0.0.1"],
      port: listener.port,
      ...(secure && { caBundle: authority.ca })
    }
    const calls = yield* live({ ...run, connection }).pipe(
      Effect.provide(Layer.provide(ScvmmSession.layer, Dial.layerUndici)),
      Effect.scoped
    )
    return yield* told(run, calls)
  }).pipe(Effect.scoped, Effect.provide(silent), Effect.orDie)

/** Errors that say that the far side did nothing. */
const didNothing = new Set(["ScvmmSessionLost", "ScvmmHostUnavailable", "ScvmmAuthenticationFailed"])
const mayHaveHappened = new Set(["ScvmmOutcomeUnknown", "ScvmmAnswerInvalid"])

/** Requests that change something and arrived more than once. */
export const repeated = ({ exchanges }: Life): ReadonlyArray<string> => {
  const once = exchanges.filter(({ action }) => action === "Create" || action === "Command" || action === "Send")
  const known = new Set<string>()
  return once.flatMap(({ action, messageId }) => {
    if (known.has(messageId)) return [`${action} was sent twice`]
    known.add(messageId)
    return []
  })
}

/** What must hold in every life, whatever befell it; each text is a violation. */
export const violations = ({ calls, shells }: Life, limitSeconds: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const { call, ended, message, mutation, ran, seconds } of calls) {
    const tell = (what: string) => void found.push(`${call} ended in ${ended} (${message}): ${what}`)
    if (ended !== "ok" && !didNothing.has(ended) && !mayHaveHappened.has(ended)) tell("not an error that is expected")
    if (seconds > limitSeconds) tell(`after ${seconds} s`)
    if (!mutation) continue
    if (ran > 1) tell(`it ran ${ran} times`)
    if (ended === "ok" && ran !== 1) tell("it did not run")
    if (didNothing.has(ended) && ran > 0) tell("it ran all the same")
  }
  if (calls.length !== 4) found.push(`${calls.length} calls`)
  if (shells > 0) found.push(`${shells} shells are left`)
  return found
}
