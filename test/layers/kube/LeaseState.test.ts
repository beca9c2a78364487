/** The election's rules: by example, and candidates on one API with delays, failures, lost answers, pauses, crashes and odd clocks. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { LeaseRecord, LeaseState, Timing } from "../../../layers/kube/LeaseState.ts"
import * as State from "../../../layers/kube/LeaseState.ts"

/** client-go's. */
const timing: Timing = { lease: 15_000, renew: 10_000, retry: 2_000 }

const record = (holder: string, version: string): LeaseRecord => ({
  holder,
  lease: 15_000,
  transitions: 0,
  acquireTime: "",
  renewTime: `renewal ${version}`,
  version
})

const fresh = State.begin("me", timing)
const leading = State.wrote(State.saw(fresh, undefined, 0), record("me", "1"), 100, 150)

describe("LeaseState", () => {
  it("looks first, then creates what is not there", () => {
    assert.deepStrictEqual(State.step(fresh, 0), { _tag: "Read" })
    assert.deepStrictEqual(State.step(State.saw(fresh, undefined, 0), 0), { _tag: "Create" })
  })

  it("counts its term from before its write left", () => {
    assert.strictEqual(leading.heldUntil, 10_100)
    assert.strictEqual(State.step(leading, 10_099)._tag, "Renew")
    assert.isTrue(State.isLeading(leading, 10_099))
    assert.isFalse(State.isLeading(leading, 10_100))
    assert.strictEqual(State.step(leading, 10_100)._tag, "Lost")
  })

  it("waits for another's term from when it saw the record change, and no longer when it was given up", () => {
    const seen = State.saw(fresh, record("other", "1"), 1_000)
    assert.deepStrictEqual(State.step(seen, 2_000), { _tag: "Wait", until: 16_000, holder: "other" })
    const again = State.saw(seen, record("other", "1"), 9_000)
    assert.deepStrictEqual(State.step(again, 15_999), { _tag: "Wait", until: 16_000, holder: "other" })
    assert.strictEqual(State.step(again, 16_000)._tag, "Acquire")
    const renewed = State.saw(again, record("other", "2"), 9_000)
    assert.deepStrictEqual(State.step(renewed, 16_000), { _tag: "Wait", until: 24_000, holder: "other" })
    assert.strictEqual(State.step(State.saw(renewed, record("", "3"), 9_001), 9_001)._tag, "Acquire")
  })

  it("takes a dead holder's lease although somebody else goes on touching the object", () => {
    const seen = State.saw(fresh, record("other", "1"), 0)
    const touched = State.saw(seen, { ...record("other", "1"), version: "2" }, 10_000)
    assert.deepStrictEqual(State.step(touched, 15_000), {
      _tag: "Acquire",
      over: { ...record("other", "1"), version: "2" }
    })
  })

  it("does not take what was deleted before its holder's term is over", () => {
    const gone = State.saw(State.saw(fresh, record("other", "1"), 0), undefined, 5_000)
    assert.strictEqual(State.step(gone, 5_000)._tag, "Wait")
    assert.strictEqual(State.step(gone, 15_000)._tag, "Create")
  })

  it("looks again after a failure, and finds that its write had happened", () => {
    const lost = State.lookAgain(State.saw(fresh, undefined, 0))
    assert.strictEqual(State.step(lost, 10)._tag, "Read")
    assert.strictEqual(State.step(State.saw(lost, record("me", "1"), 20), 20)._tag, "Renew")
  })

  it("is lost when another holds it, or when it was deleted", () => {
    const other = State.saw(State.lookAgain(leading), record("other", "2"), 5_000)
    assert.deepStrictEqual(State.step(other, 5_000), { _tag: "Lost", detail: 'taken by "other"' })
    assert.strictEqual(State.step(State.saw(State.lookAgain(leading), undefined, 5_000), 5_000)._tag, "Lost")
  })

  it("takes no answer for a success that changed nothing, or came after the term it began", () => {
    const same = State.wrote(leading, record("me", "1"), 2_000, 2_100)
    assert.strictEqual(same.heldUntil, 10_100)
    assert.strictEqual(State.step(same, 2_100)._tag, "Read")
    assert.isUndefined(State.wrote(State.saw(fresh, undefined, 0), record("me", "1"), 0, 10_000).heldUntil)
    assert.strictEqual(State.wrote(leading, record("me", "2"), 9_000, 10_200).heldUntil, 10_100)
  })

  it("refuses times that cannot work together", () => {
    assert.isUndefined(State.timingProblem(timing))
    assert.isDefined(State.timingProblem({ ...timing, lease: 10_000 }))
    assert.isDefined(State.timingProblem({ ...timing, renew: 2_400 }))
    assert.isDefined(State.timingProblem({ ...timing, retry: 0 }))
  })
})

/** A process, or the next one in its place. */
interface Candidate {
  state: LeaseState
  readonly offset: number
  readonly rate: number
  /** Stopped until then, of true time: whatever comes meanwhile is looked at afterwards. */
  asleepUntil: number
  /** Of the exchange under way; what belongs to another is not listened to any more. */
  exchange: number
  life: number
}

interface Term {
  readonly identity: string
  readonly from: number
  until: number
}

const tail = 120_000

/**
 * Everything that chance decides is taken from `chances`, in order; after `faultyUntil` nothing goes wrong any more. Times are
 * true time, in milliseconds.
 */
const simulate = (
  clocks: ReadonlyArray<{ readonly offset: number; readonly rate: number }>,
  chances: ReadonlyArray<number>
) => {
  const faultyUntil = 400_000
  const end = faultyUntil + tail
  let now = 0
  let drawn = 0
  let order = 0
  const draw = (below: number): number => {
    const chance = chances[drawn++ % chances.length] ?? 0
    return (chance * 7919 + drawn * 104_729) % below
  }
  const faulty = (oneIn: number): boolean => now < faultyUntil && draw(oneIn) === 0

  const events: Array<{ readonly at: number; readonly order: number; readonly run: () => void }> = []
  const at = (time: number, run: () => void): void => void events.push({ at: time, order: order++, run })

  let stored: LeaseRecord | undefined
  let version = 0
  const terms: Array<Term> = []

  const local = (candidate: Candidate): number => now * candidate.rate + candidate.offset
  const trueTime = (candidate: Candidate, localTime: number): number => (localTime - candidate.offset) / candidate.rate

  /** In the process: at once, or when it is woken. */
  const inside = (candidate: Candidate, run: () => void): void => {
    if (now < candidate.asleepUntil) at(candidate.asleepUntil, () => inside(candidate, run))
    else run()
  }

  const restart = (candidate: Candidate): void => {
    candidate.life++
    candidate.exchange++
    const identity = `${candidate.state.identity.split("/")[0]}/${candidate.life}`
    candidate.state = State.begin(identity, timing)
    rest(candidate, 1 + draw(3_000))
  }

  const rest = (candidate: Candidate, localMillis: number): void => {
    const { life } = candidate
    at(now + localMillis / candidate.rate, () => {
      inside(candidate, () => {
        if (candidate.life === life) turn(candidate)
      })
    })
  }

  /** What the server does with a request: each at once when it arrives. */
  const serve = (step: State.Step, identity: string): LeaseRecord | "absent" | "refused" => {
    if (step._tag === "Read") return stored ?? "absent"
    const over =
      step._tag === "Create" ? undefined : step._tag === "Wait" || step._tag === "Lost" ? undefined : step.over
    if (stored?.version !== over?.version) return "refused"
    version++
    stored = { ...record(identity, String(version)), transitions: version }
    return stored
  }

  const ask = (candidate: Candidate, step: State.Step): void => {
    const started = local(candidate)
    const exchange = ++candidate.exchange
    const { identity } = candidate.state
    const current = () => candidate.exchange === exchange
    const fail = () => {
      if (!current()) return
      candidate.exchange++
      candidate.state = State.lookAgain(candidate.state)
      rest(candidate, timing.retry)
    }
    const limit = now + 5_000 / candidate.rate
    at(limit, () => inside(candidate, fail))
    const delay = () => (faulty(4) ? draw(20_000) : draw(50))
    if (faulty(6)) return
    at(now + delay(), () => {
      const answer = faulty(8) ? "refused" : serve(step, identity)
      if (faulty(6)) return
      at(now + delay(), () => {
        inside(candidate, () => {
          if (!current()) return
          if (answer === "refused") return fail()
          candidate.exchange++
          const before = candidate.state
          if (step._tag === "Read")
            candidate.state = State.saw(before, answer === "absent" ? undefined : answer, local(candidate))
          else if (answer !== "absent") candidate.state = State.wrote(before, answer, started, local(candidate))
          note(candidate)
          if (step._tag === "Read") turn(candidate)
          else rest(candidate, timing.retry)
        })
      })
    })
  }

  /** The fence of that state, as true time. */
  const note = (candidate: Candidate): void => {
    const { heldUntil, identity } = candidate.state
    if (heldUntil === undefined || !State.isLeading(candidate.state, local(candidate))) return
    const until = trueTime(candidate, heldUntil)
    const last = terms.at(-1)
    if (last?.identity === identity && now <= last.until) last.until = until
    else terms.push({ identity, from: now, until })
  }

  const turn = (candidate: Candidate): void => {
    if (faulty(20)) return restart(candidate)
    if (faulty(15)) {
      candidate.asleepUntil = now + draw(40_000)
      return inside(candidate, () => turn(candidate))
    }
    const step = State.step(candidate.state, local(candidate))
    if (step._tag === "Lost") return restart(candidate)
    if (step._tag === "Wait") {
      candidate.state = State.lookAgain(candidate.state)
      return rest(candidate, Math.min(timing.retry, step.until - local(candidate)))
    }
    return ask(candidate, step)
  }

  clocks.forEach(({ offset, rate }, index) => {
    const state = State.begin(`${index}/0`, timing)
    const candidate: Candidate = { state, offset, rate, asleepUntil: 0, exchange: 0, life: 0 }
    rest(candidate, draw(5_000))
  })
  while (events.length > 0) {
    events.sort((a, b) => a.at - b.at || a.order - b.order)
    const next = events.shift()
    if (next === undefined || next.at > end) break
    now = next.at
    next.run()
  }
  return { terms, end }
}

describe("candidates on one API", () => {
  const Clocks = Schema.Array(
    Schema.Struct({
      /** Of a day, to either side. */
      offset: Schema.Int.check(Schema.isBetween({ minimum: -86_400_000, maximum: 86_400_000 })),
      /** The fastest and the slowest differ by less than lease / renew = 1.5. */
      rate: Schema.Literals([1, 1.001, 1.1, 1.25, 1.49])
    })
  ).check(Schema.isMinLength(2), Schema.isMaxLength(3))
  const Chances = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))).check(
    Schema.isMinLength(50),
    Schema.isMaxLength(200)
  )

  it.prop(
    "never two whose fences are open at one instant, and one who leads when nothing goes wrong",
    { clocks: Clocks, chances: Chances },
    ({ clocks, chances }) => {
      const { end, terms } = simulate(clocks, chances)
      const sorted = terms.toSorted((a, b) => a.from - b.from)
      for (const [index, term] of sorted.entries()) {
        const next = sorted[index + 1]
        if (next !== undefined && next.identity !== term.identity) {
          assert.isAtMost(term.until, next.from, `${JSON.stringify(term)} and ${JSON.stringify(next)}`)
        }
      }
      assert.isAbove(terms.at(-1)?.until ?? 0, end, "somebody leads at the end")
    },
    { arbitrary: { size: 200, runs: 500 } }
  )
})
