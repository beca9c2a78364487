import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Action, make, Rule, Rules } from "../../../../src/simulators/scvmm/Disturbance.ts"
import { make as makeEntropy } from "../../../../src/simulators/scvmm/Entropy.ts"

const Actions = Schema.Array(Action)

const decisions = (rules: ReadonlyArray<Rule>, actions: ReadonlyArray<Action>, seed: string) => {
  const { next } = make(rules, Effect.runSync(makeEntropy(seed)).fraction)
  return actions.map(next)
}

const cut = { _tag: "Cut", place: "before" } as const
const forget = { _tag: "Forget" } as const

describe("rules", () => {
  it("apply to the nth exchange of their kind, and to so many in a row", () => {
    const actions: ReadonlyArray<Action> = ["Receive", "Command", "Receive", "Receive", "Receive", "Command"]
    assert.deepStrictEqual(
      decisions([{ on: ["Receive"], nth: 2, times: 2, disturbance: cut }], actions, "").map((it) => it !== undefined),
      [false, false, true, true, false, false]
    )
    assert.deepStrictEqual(decisions([{ nth: 3, times: 1, disturbance: cut }], actions, "").indexOf(cut), 2)
    assert.deepStrictEqual(decisions([{ nth: 5, disturbance: cut }], actions, ""), [
      undefined,
      undefined,
      undefined,
      undefined,
      cut,
      cut
    ])
  })

  it("the first that applies decides; those behind it count on", () => {
    const rules: ReadonlyArray<Rule> = [
      { nth: 1, times: 1, disturbance: cut },
      { nth: 2, times: 1, disturbance: forget }
    ]
    assert.deepStrictEqual(decisions(rules, ["Get", "Get", "Get"], ""), [cut, forget, undefined])
  })

  it.prop(
    "decide the same for the same seed, and only what they were given for",
    { rules: Rules, actions: Actions, seed: Schema.String },
    ({ rules, actions, seed }) => {
      const decided = decisions(rules, actions, seed)
      assert.deepStrictEqual(decisions(rules, actions, seed), decided)
      for (const [index, disturbance] of decided.entries()) {
        const action = actions[index]
        if (disturbance === undefined || action === undefined) continue
        const giving = rules.filter((rule) => rule.disturbance === disturbance)
        assert.isTrue(giving.some(({ on, probability }) => (on?.includes(action) ?? true) && probability !== 0))
      }
    },
    { arbitrary: { size: 24 } }
  )

  it.prop(
    "with a probability apply about as often",
    { probability: Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 })), seed: Schema.String },
    ({ probability, seed }) => {
      const actions = Array.from({ length: 400 }, (): Action => "Receive")
      const met = decisions([{ probability, disturbance: cut }], actions, seed).filter((it) => it !== undefined).length
      // Five standard deviations at most: one seed in a million would fall outside.
      assert.closeTo(met, 400 * probability, 51)
    }
  )

  it("are data", () => {
    const written = { on: ["Command"], nth: 1, disturbance: { _tag: "Silence", carriedOut: true } }
    const read = Schema.decodeUnknownSync(Rule)(JSON.parse(JSON.stringify(written)))
    assert.deepEqual(JSON.parse(JSON.stringify(Schema.encodeSync(Rule)(read))), written)
  })
})
