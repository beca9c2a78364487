/** The order in which exec hosts are dialled, as they fail and come back. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as HostOrder from "../../../layers/scvmm/HostOrder.ts"

const hosts = ["a", "b", "c", "d"] as const
const Host = Schema.Literals(hosts)
const History = Schema.Array(
  Schema.Struct({
    host: Host,
    ok: Schema.Boolean,
    pause: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900 }))
  })
).check(Schema.isMaxLength(20))

const replay = (history: typeof History.Type) => {
  let states: HostOrder.HostStates = new Map()
  let now = 0
  for (const { host, ok, pause } of history) {
    now += pause * 1000
    states = HostOrder.after(states, host, ok, now)
  }
  return { states, now }
}

describe("HostOrder", () => {
  it.effect.prop(
    "tries every host once, those that do not rest in the provider's order first",
    { history: History },
    ({ history }) =>
      Effect.sync(() => {
        const { states, now } = replay(history)
        const order = HostOrder.order(hosts, states, now)
        assert.sameMembers([...order], [...hosts])
        const rests = (host: string) => {
          const state = states.get(host)
          return state !== undefined && !state.ok && now < state.until
        }
        const ranks = order.map((host) => (rests(host) ? 10 : 0) + hosts.findIndex((one) => one === host))
        assert.deepStrictEqual(
          ranks,
          ranks.toSorted((a, b) => a - b)
        )
      })
  )

  it.effect.prop(
    "a session gives way only to a preferred host that works",
    { history: History, host: Host },
    ({ history, host }) =>
      Effect.sync(() => {
        const { states, now } = replay(history)
        const last = new Map(history.map((entry) => [entry.host, entry.ok]))
        const preferred = hosts.slice(0, hosts.indexOf(host))
        assert.strictEqual(
          HostOrder.givesWay(hosts, states, host),
          preferred.some((one) => last.get(one) === true)
        )
        for (const one of HostOrder.worthTrying(hosts, states, host, now)) {
          assert.include(preferred, one)
          assert.strictEqual(HostOrder.order([one, host], states, now)[0], one)
        }
        assert.deepStrictEqual(HostOrder.worthTrying(hosts, states, "a", now), [])
      })
  )

  it("leaves a host alone for 30 s, twice as long after each failure, ten minutes at most", () => {
    let states: HostOrder.HostStates = new Map()
    let now = 0
    const pauses = Array.from({ length: 7 }, () => {
      states = HostOrder.after(states, "a", false, now)
      const until = states.get("a")?.until ?? 0
      const pause = until - now
      assert.deepStrictEqual(HostOrder.order(hosts, states, until - 1), ["b", "c", "d", "a"])
      assert.deepStrictEqual(HostOrder.worthTrying(hosts, states, "b", until - 1), [])
      assert.deepStrictEqual(HostOrder.worthTrying(hosts, states, "b", until), ["a"])
      now = until
      return pause / 1000
    })
    assert.deepStrictEqual(pauses, [30, 60, 120, 240, 480, 600, 600])
    states = HostOrder.after(HostOrder.after(states, "a", true, now), "a", false, now)
    assert.strictEqual(states.get("a")?.until, now + 30_000)
  })
})
