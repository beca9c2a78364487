/** A simulated SCVMM with two exec hosts behind an in-process Dial, and ways to break the wire. */
import { assert } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../layers/Dial.ts"
import { ScvmmSession, type ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import type { Handler } from "../../../schemas/http/Exchange.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"

export const password = "simulated-password"
export const exec1 = "exec1.example.test"
export const exec2 = "exec2.example.test"

export interface Site {
  readonly scvmm: Scvmm.Scvmm
  readonly hosts: Readonly<Record<typeof exec1 | typeof exec2, WinRmServer.WinRmServer>>
  /** Exec hosts that refuse connections. */
  readonly down: Set<string>
  /** Told of each exchange of exec1. */
  onExchange: (exchange: WinRmServer.Exchange) => void
  /** Told of each exchange that is asked for, of a host that is down too. */
  onDial: (host: string) => void
}

export const make = ({ quotas, ...options }: Scvmm.Options & Pick<WinRmServer.Options, "quotas"> = {}): Effect.Effect<
  Site,
  never,
  Scope.Scope
> =>
  Effect.gen(function* () {
    const scvmm = yield* Scvmm.make({ latency: fast, infoRate: 0, ...options })
    const quiet = () => undefined
    const site: Pick<Site, "onExchange" | "onDial"> = { onExchange: quiet, onDial: quiet }
    const listen = (name: string) =>
      WinRmServer.make({
        host: scvmm.execHost(name) ?? scvmm.host,
        users: [{ userName: "EXAMPLE\\capi", password }],
        ...(quotas && { quotas }),
        ...(name === exec1 && { onExchange: (exchange) => site.onExchange(exchange) })
      })
    const hosts = { [exec1]: yield* listen(exec1), [exec2]: yield* listen(exec2) }
    return Object.assign(site, { scvmm, hosts, down: new Set<string>() })
  })

/** Lets everything that can run without time passing run. */
const settle = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/**
 * Lets virtual time pass in small steps until the effect has ended, at most 5 000 of them. What wakes within a step goes on
 * at its end, so that a step must be short beside the times that count.
 */
export const elapse =
  (step: Duration.Input = "100 millis") =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
      for (let count = 0; count < 5000 && fiber.pollUnsafe() === undefined; count++) {
        for (let turn = 0; turn < 4; turn++) yield* settle
        yield* TestClock.adjust(step)
      }
      return yield* Fiber.join(fiber)
    })

const through =
  (site: Site, name: string, handler: Handler): Handler =>
  (request, connection) =>
    // An interrupted handler is a connection that was reset.
    Effect.suspend(() => {
      site.onDial(name)
      return site.down.has(name) ? Effect.interrupt : handler(request, connection)
    })

export const origin = (name: string): string => `https://${name}:5986`

export const dial = (site: Site): Layer.Layer<Dial> =>
  Dial.layerInProcess(
    new Map(Object.entries(site.hosts).map(([name, { handler }]) => [origin(name), through(site, name, handler)]))
  )

export const sessions = (site: Site): Layer.Layer<ScvmmSession> => Layer.provide(ScvmmSession.layer, dial(site))

export const connection: ProviderConnection = {
  uid: "33333333-3333-4333-8333-333333333333",
  namespace: "default",
  name: "vmm",
  specVersion: "1",
  credentialVersion: "1",
  scvmmHost: "vmm.example.test",
  execHosts: [exec1, exec2],
  scheme: "https",
  port: 5986,
  authentication: "Basic",
  insecureSkipVerify: false,
  configurationName: "Microsoft.PowerShell",
  operationTimeoutSeconds: 60,
  userName: "EXAMPLE\\capi",
  password: Redacted.make(password),
  keepAliveSeconds: 20,
  sessions: 3,
  adoption: "Owned",
  libraryShare: String.raw`ISOs\cloud-init`,
  environment: {},
  extraFunctions: {}
}

export interface Line {
  readonly message: unknown
  readonly fields: Readonly<Record<string, unknown>>
  readonly level: string
}

/** Every log line, and the fields of "PowerShell call" lines. */
export const logs = () => {
  const lines: Array<Line> = []
  const logger = Logger.make<unknown, void>((options) => {
    const fields = options.fiber.getRef(References.CurrentLogAnnotations)
    lines.push({ message: options.message, level: options.logLevel, fields })
  })
  const calls = () =>
    lines.flatMap(({ fields, message, level }) =>
      Array.isArray(message) && message[0] === "PowerShell call"
        ? [{ level, ...(fields as { function: string; duration_ms: number; exchanges: number; outcome: string }) }]
        : []
    )
  return { lines, calls, layer: Logger.layer([logger]) }
}

/** Runs the body with sessions over a site, in virtual time that passes by `step`. Whatever happens, nothing of ours stays on a host. */
export const within = <A, E>(
  body: (site: Site, written: ReturnType<typeof logs>) => Effect.Effect<A, E, ScvmmSession>,
  options: Parameters<typeof make>[0] = {},
  step?: Duration.Input
) =>
  Effect.gen(function* () {
    const site = yield* make(options)
    const written = logs()
    yield* body(site, written).pipe(
      Effect.provide(Layer.provideMerge(sessions(site), written.layer)),
      Effect.scoped,
      elapse(step)
    )
    for (const host of Object.values(site.hosts)) assert.deepStrictEqual(yield* host.shells, [])
    assert.notInclude(JSON.stringify(written.lines), password)
  })

export const shellIds = (site: Site, host: typeof exec1 | typeof exec2) =>
  Effect.map(site.hosts[host].shells, (shells) => shells.map(({ shellId }) => shellId))

/** How many shells each host has. */
export const shells = (site: Site) =>
  Effect.map(Effect.all([shellIds(site, exec1), shellIds(site, exec2)]), (all) => all.map((ids) => ids.length))
