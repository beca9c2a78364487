import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as PollPlan from "../../../layers/scvmm/PollPlan.ts"
import * as Sightings from "../../../layers/scvmm/Sightings.ts"

const following = (moving: number, resting: number) => {
  let sightings = Sightings.empty
  for (let index = 0; index < moving + resting; index++) {
    sightings = Sightings.follow(
      sightings,
      `vm-${index}`,
      { namespace: "ns", name: `m-${index}` },
      index < moving ? "transition" : "rest"
    )
  }
  return sightings
}
const Count = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 40 }))
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300_000 }))

/** Runs polls of a fixed duration for a time, each when it is due. */
const simulate = (sightings: Sightings.Sightings, duration: number, until: number) => {
  let history = PollPlan.begin(0)
  let now = 0
  const polls: Array<{ readonly at: number; readonly poll: PollPlan.Poll }> = []
  for (;;) {
    const plan = PollPlan.plan(sightings, history)
    if (plan === undefined) return polls
    now = Math.max(now, plan.at)
    if (now >= until) return polls
    polls.push({ at: now, poll: plan.poll })
    history = PollPlan.after(history, plan.poll, { started: now, ended: now + duration, failed: false })
    now += duration
  }
}

describe("PollPlan", () => {
  it("polls nothing while nothing is followed", () => {
    assert.isUndefined(PollPlan.plan(Sightings.empty, PollPlan.begin(0)))
  })

  it("asks for VMs in transition by id every 5 s, all in one", () => {
    const polls = simulate(following(15, 0), 0, 60_001)
    assert.deepStrictEqual(
      polls.map(({ at }) => at),
      Array.from({ length: 12 }, (_, index) => 5000 * (index + 1))
    )
    for (const { poll } of polls) assert.strictEqual(poll._tag === "Ids" ? poll.ids.length : 0, 15)
  })

  it("sweeps VMs at rest every 120 s, whatever their number", () => {
    const polls = simulate(following(0, 40), 500, 480_001)
    assert.deepStrictEqual(
      polls.map(({ at, poll }) => [at, poll._tag]),
      [120_000, 240_000, 360_000, 480_000].map((at) => [at, "Sweep"])
    )
  })

  it("lists when more than 15 are in transition", () => {
    assert.strictEqual(PollPlan.plan(following(16, 0), PollPlan.begin(0))?.poll._tag, "Sweep")
  })

  it.prop(
    "takes in every followed VM within a rest period, and lets VMM rest between",
    {
      moving: Count,
      resting: Count,
      duration: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))
    },
    ({ moving, resting, duration }) => {
      const polls = simulate(following(moving, resting), duration, 1_200_000)
      if (moving + resting === 0) return assert.deepStrictEqual(polls, [])
      const sweeps = polls.filter(({ poll }) => poll._tag === "Sweep").map(({ at }) => at)
      for (const [index, at] of sweeps.entries()) {
        const before = sweeps[index - 1]
        if (before !== undefined) assert.isAtLeast(at - before, 4 * duration)
      }
      if (resting > 0) {
        const longest = Math.max(120_000, 4 * duration) + 2 * duration + 5000
        assert.isAtMost(sweeps[0] ?? Infinity, longest)
        for (const [index, at] of sweeps.entries()) assert.isAtMost(at - (sweeps[index - 1] ?? 0), longest)
      }
      if (moving > 0 && moving <= 15) {
        const seen = polls.map(({ at }) => at)
        for (const [index, at] of seen.entries()) assert.isAtMost(at - (seen[index - 1] ?? 0), duration + 5000)
      }
    }
  )

  it.prop(
    "waits longer after each failure, up to two minutes",
    { failures: Count, ended: Millis },
    ({ failures, ended }) => {
      const history = { ...PollPlan.begin(ended), failures }
      const at = PollPlan.plan(following(1, 0), history)?.at ?? 0
      const next = PollPlan.plan(following(1, 0), { ...history, failures: failures + 1 })?.at ?? 0
      assert.isAtLeast(next, at)
      assert.isAtLeast(at, ended + 5000)
      assert.isAtMost(next, ended + 120_000)
    }
  )
})
