/** Ten thousand calls one after another and a thousand at once, on three sessions: nothing grows, nothing stays. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Dial } from "../../../layers/Dial.ts"
import { ScvmmSession } from "../../../layers/scvmm/ScvmmSession.ts"
import * as Listener from "../../../src/simulators/Listener.ts"
import { fast } from "../../../src/simulators/scvmm/Latency.ts"
import * as Scvmm from "../../../src/simulators/scvmm/Scvmm.ts"
import * as WinRmServer from "../../../src/simulators/scvmm/WinRmServer.ts"
import { settle } from "../../harness/VirtualTime.ts"
import { type Load, load } from "./SessionLoad.ts"
import * as Site from "./Site.ts"

/** An exchange over a socket costs thrice what one in process does. */
const calls = { inProcess: { sequential: 10_000, concurrent: 1000 }, onSockets: { sequential: 1000, concurrent: 1000 } }
/** Of a machine that has much else to do; alone it takes a tenth. */
const limit = 300_000
const mebibyte = 1024 * 1024

const made = Effect.gen(function* () {
  const scvmm = yield* Scvmm.make({ latency: { ...fast, session: [0, 0], connect: [0, 0] }, infoRate: 0 })
  return yield* WinRmServer.make({ host: scvmm.host, users: [{ userName: "EXAMPLE\\capi", password: Site.password }] })
})

const holds = (seen: Load, { sequential, concurrent }: (typeof calls)[keyof typeof calls]): void => {
  const all = sequential + concurrent
  assert.strictEqual(seen.answered, all)
  // The module and the connection of each session besides, of which one is replaced each 500 calls.
  const sessions = (seen.pipelines - all) / 2
  assert.isAtLeast(sessions, Math.floor(all / 500))
  assert.isAtMost(sessions, Math.ceil(all / 500) + 4)
  assert.isAtLeast(seen.shells, 1)
  assert.isAtMost(seen.shells, 3)
  assert.isAtMost(seen.held, 10)
  // Three hundred bytes for each of nine thousand calls; compiled code and caches come and go by one MiB.
  assert.isBelow(seen.heap.sequential - seen.heap.begun, 3 * mebibyte)
  assert.isBelow(seen.heap.concurrent - seen.heap.sequential, 3 * mebibyte)
}

describe("very many calls", () => {
  it.effect(
    "in virtual time",
    () =>
      Effect.gen(function* () {
        const server = yield* made
        const connection = { ...Site.connection, execHosts: [Site.exec1] }
        const dial = Dial.layerInProcess(new Map([[Site.origin(Site.exec1), server.handler]]))
        yield* Effect.gen(function* () {
          const session = yield* ScvmmSession
          const seen = yield* load({ server, connection, sockets: Effect.succeed(0) }, calls.inProcess)
          holds(seen, calls.inProcess)
          // All of it in no time: nothing above waits for a clock.
          yield* TestClock.adjust("25 seconds")
          yield* settle
          assert.deepStrictEqual(yield* server.shells, [])
          assert.deepStrictEqual(yield* session.counts(connection.uid), { open: 0, idle: 0 })
        }).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, dial)), Effect.scoped)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([])), Effect.orDie),
    limit
  )

  it.live(
    "over sockets, which close when nobody calls any more",
    () =>
      Effect.gen(function* () {
        const server = yield* made
        const listener = yield* Listener.listen({ handler: server.handler })
        const connection = {
          ...Site.connection,
          execHosts: ["127.0.0.1"],
          scheme: "http" as const,
          port: listener.port,
          authentication: "Negotiate" as const,
          keepAliveSeconds: 1
        }
        yield* Effect.gen(function* () {
          const session = yield* ScvmmSession
          const seen = yield* load({ server, connection, sockets: listener.connections }, calls.onSockets)
          holds(seen, calls.onSockets)
          // Two lanes each.
          assert.isAtMost(seen.sockets, 6)
          const left = Effect.all([
            Effect.map(server.shells, (shells) => shells.length),
            listener.connections,
            Effect.map(session.counts(connection.uid), ({ open }) => open)
          ])
          const empty = yield* left.pipe(
            Effect.repeat({
              until: (counts) => counts.every((count) => count === 0),
              schedule: Schedule.spaced("50 millis")
            }),
            Effect.timeout("10 seconds")
          )
          assert.deepStrictEqual(empty, [0, 0, 0])
        }).pipe(Effect.provide(Layer.provide(ScvmmSession.layer, Dial.layerUndici)), Effect.scoped)
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([])), Effect.orDie),
    limit
  )
})
