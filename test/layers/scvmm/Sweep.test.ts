/** Every exchange of a session's life is disturbed: what was asked is done at most once, told truly, and leaves nothing. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Disturbance, Rule } from "../../../src/simulators/scvmm/Disturbance.ts"
import { make as makeEntropy } from "../../../src/simulators/scvmm/Entropy.ts"
import { type Life, life, lifeOnSockets, repeated, violations, type Wire, wires } from "./Disturbances.ts"

const cuts: ReadonlyArray<Disturbance> = [
  { _tag: "Cut", place: "before" },
  { _tag: "Cut", place: "after" },
  { _tag: "Cut", place: "within" }
]

const empty = { contentType: "", body: "" } as const
const page = { contentType: "text/html", body: "<html>" } as const

const others: ReadonlyArray<Disturbance> = [
  { _tag: "Delay", seconds: 30 },
  { _tag: "Silence", carriedOut: false },
  { _tag: "Silence", carriedOut: true },
  { _tag: "Answer", status: 400, ...empty, carriedOut: false },
  { _tag: "Answer", status: 500, ...empty, carriedOut: true },
  { _tag: "Answer", status: 503, ...empty, carriedOut: false },
  { _tag: "Answer", status: 504, ...page, carriedOut: true },
  { _tag: "Answer", status: 200, ...page, carriedOut: true },
  { _tag: "Fault", code: 2150859173, subcode: "QuotaLimit", text: "The maximum number of shells is exceeded." },
  { _tag: "Fault", code: 2150858793, subcode: "TimedOut", text: "The operation timed out." },
  { _tag: "Fault", code: 2150858843, subcode: "InvalidSelectors", text: "No such shell or command." },
  { _tag: "Forget" },
  { _tag: "WrongRelatesTo" },
  { _tag: "Truncate" },
  { _tag: "Fragments", last: "twice" },
  { _tag: "Fragments", last: "missing" }
]

/** The longest that one call may take: an answer that never comes, and a session dialled anew. */
const limitSeconds = 90
const names = Object.keys(wires) as ReadonlyArray<Wire>
const limit = Duration.toMillis("5 minutes")

const describeRule = ({ nth, disturbance }: Rule, whole: Life): string =>
  `${JSON.stringify(disturbance)} at ${nth ?? "any"}, ${whole.exchanges[(nth ?? 0) - 1]?.action ?? ""}`

/** For whoever reads the run: how much was tried is the point of it. */
const tell = (what: string, points: number): void => void process.stdout.write(`${what}: ${points} points\n`)

const untouched = Effect.fnUntraced(function* (wire: Wire) {
  const whole = yield* life(wire, [])
  assert.deepStrictEqual(violations(whole, limitSeconds), [])
  assert.deepStrictEqual(
    whole.calls.map(({ ended }) => ended),
    ["ok", "ok", "ok", "ok"]
  )
  assert.strictEqual(
    new Set(whole.exchanges.map(({ connection }) => connection.id)).size,
    4,
    "both lanes of both sessions are there"
  )
  assert.isTrue(
    ["Create", "Command", "Send", "Receive", "Signal", "Delete"].every((action) =>
      whole.exchanges.some((it) => it.action === action)
    )
  )
  return whole
})

/** The rules under which something that must hold did not. */
const explored = Effect.fnUntraced(function* (
  wire: Wire,
  whole: Life,
  rules: ReadonlyArray<Rule>,
  check: (seen: Life) => ReadonlyArray<string>
) {
  const found: Array<string> = []
  for (const rule of rules)
    for (const violation of check(yield* life(wire, [rule]))) found.push(`${describeRule(rule, whole)}: ${violation}`)
  tell(`${wire}, ${rules.length === 0 ? "" : (rules[0]?.disturbance._tag ?? "")} and the like`, rules.length)
  assert.deepStrictEqual(found, [])
})

const everywhere = (whole: Life, disturbances: ReadonlyArray<Disturbance>): ReadonlyArray<Rule> =>
  whole.exchanges.flatMap((_, at) => disturbances.map((disturbance) => ({ nth: at + 1, times: 1, disturbance })))

describe.each(names)("a session over %s", (wire) => {
  it.effect(
    "of which the connection is cut at any exchange, in any place",
    () =>
      Effect.gen(function* () {
        const whole = yield* untouched(wire)
        yield* explored(wire, whole, everywhere(whole, cuts), (seen) => [
          ...violations(seen, limitSeconds),
          ...repeated(seen),
          ...(seen.calls[3]?.ended === "ok" ? [] : ["it does not heal"]),
          ...(seen.refusedLogOns === 0 ? [] : ["a log-on counts as refused"])
        ])
      }),
    limit
  )

  it.effect(
    "whose exchanges are answered late, wrongly or never",
    () =>
      Effect.gen(function* () {
        const whole = yield* untouched(wire)
        // A sixth on each wire, another on each.
        const rules = everywhere(whole, others).filter((_, at) => at % (2 * names.length) === names.indexOf(wire))
        yield* explored(wire, whole, rules, (seen) => violations(seen, 2 * limitSeconds))
      }),
    limit
  )

  it.effect(
    "on a bad day",
    () =>
      Effect.gen(function* () {
        const { between } = yield* makeEntropy(`bad day over ${wire}`)
        const found: Array<string> = []
        const days = 20
        for (let day = 0; day < days; day++) {
          const all = [...cuts, ...others]
          const rules = Array.from({ length: 3 }, (): Rule => {
            const disturbance = all[Math.floor(between(0, all.length))] ?? { _tag: "Forget" }
            return { probability: between(0, 0.2), disturbance }
          })
          const seen = yield* life(wire, rules, `day ${day}`)
          for (const violation of violations(seen, 6 * limitSeconds))
            found.push(`${JSON.stringify(rules)}: ${violation}`)
        }
        assert.deepStrictEqual(found, [])
      }),
    limit
  )
})

describe("over sockets", () => {
  it.live.each(["https, Basic", "http, NTLM"] as const)(
    "a session over %s of which the connection is cut at any exchange",
    (wire) =>
      Effect.gen(function* () {
        const whole = yield* lifeOnSockets(wire, [])
        const found = yield* Effect.forEach(
          whole.exchanges,
          (_, index) =>
            Effect.gen(function* () {
              const disturbance = cuts[index % cuts.length] ?? { _tag: "Forget" }
              const rule: Rule = { nth: index + 1, times: 1, disturbance }
              // A shell whose Delete was lost ends by its idle time, which nobody waits for here.
              const seen = { ...(yield* lifeOnSockets(wire, [rule])), shells: 0 }
              const healed = seen.calls[3]?.ended === "ok" ? [] : ["it does not heal"]
              const wrong = [...violations(seen, limitSeconds), ...repeated(seen), ...healed]
              return wrong.map((violation) => `${describeRule(rule, whole)}: ${violation}`)
            }),
          // Each waits for its own SCVMM most of the time.
          { concurrency: 8 }
        )
        tell(`${wire} over sockets`, whole.exchanges.length)
        assert.deepStrictEqual(found.flat(), [])
      }),
    limit
  )
})
