import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { make as makeEntropy } from "../../src/simulators/scvmm/Entropy.ts"
import * as CrashPoints from "./CrashPoints.ts"
import type { Cut, Report } from "./CrashPoints.ts"
import { options } from "./MachineLife.ts"
import type { Fate, Point } from "./Wire.ts"

const given = options("crash points")
const all = CrashPoints.points(given)
const points = all.length
/** From manifests to nothing with one restart on the way, the wait for idle shells included. */
const longest = 15 * 60_000
const limit = 300_000

const tell = (what: string, report: Report, began: number): void => {
  // For whoever reads the run: how much was tried is the point of it.
  process.stdout.write(
    `${what}: ${CrashPoints.summary(report, points)}, ${((Date.now() - began) / 1000).toFixed(0)} s real\n`
  )
  assert.deepStrictEqual(report.failures, [])
  assert.isBelow(report.longest, longest)
}

const explored = async (what: string, plans: Parameters<typeof CrashPoints.explore>[1]): Promise<Report> => {
  const began = Date.now()
  const report = await CrashPoints.explore(given, plans)
  tell(what, report, began)
  return report
}

/** Repeatable draws for what is sampled. */
const dice = (seed: string) => {
  const entropy = Effect.runSync(makeEntropy(seed))
  return (from: number, to: number): number => Math.floor(entropy.between(from, to))
}

/** One run in `share` of all that there are. */
const sampled = <A>(every: ReadonlyArray<A>, share: number, seed: string): ReadonlyArray<A> => {
  const draw = dice(seed)
  return every.filter(() => draw(0, share) === 0)
}

const crashes: ReadonlyArray<Fate> = ["crashBefore", "crashAfter"]

describe("an operator killed at any exchange leaves one VM, the truth, and at last nothing", () => {
  it("has points to be killed at", () => {
    assert.isAbove(points, 60)
  })

  it(
    "started again at once",
    async () => {
      const report = await explored("at once", CrashPoints.everywhere(all, crashes))
      assert.strictEqual(report.runs, 2 * points)
    },
    limit
  )

  it(
    "started again after every time limit has passed",
    async () => {
      await explored("later", sampled(CrashPoints.everywhere(all, crashes, "6 minutes"), 4, "later"))
    },
    limit
  )

  it(
    "killed twice",
    async () => {
      const draw = dice("twice")
      await explored(
        "twice",
        Array.from({ length: 25 }, () => {
          const deaths = [draw(1, points + 1), draw(1, points + 1)]
          return {
            name: `crashAfter ${deaths.join(", then ")}`,
            plan: {
              fate: (operator: number, { index }: Point): Fate =>
                deaths[operator - 1] === index ? "crashAfter" : "deliver"
            }
          }
        })
      )
    },
    limit
  )

  it(
    "or cut off after any command, and going on at another exec host",
    async () => {
      // What a command has on its host's disk, nobody comes back for.
      const commands = all.filter(({ text }) => text === "wsman Command")
      await explored(
        "another exec host",
        CrashPoints.everywhere(commands, ["crashAfter", "cutAfter"]).map(({ name, plan }) => ({
          name,
          plan: { ...plan, hostLostFor: "20 seconds" }
        }))
      )
    },
    limit
  )
})

describe("connections cut at any exchange, or writes refused,", () => {
  it(
    "change nothing in the end",
    async () => {
      await explored("cuts", sampled(CrashPoints.everywhere(all, ["cutBefore", "cutAfter", "conflict"]), 6, "cuts"))
    },
    limit
  )

  it(
    "several in one life neither",
    async () => {
      const draw = dice("several cuts")
      const fates: ReadonlyArray<Fate> = ["cutBefore", "cutAfter", "conflict"]
      const cuts = (): ReadonlyArray<Cut> =>
        Array.from({ length: 6 }, () => ({ point: draw(1, points + 1), fate: fates[draw(0, 3)] ?? "cutBefore" }))
      await explored(
        "several cuts",
        Array.from({ length: 25 }, () => {
          const drawn = cuts()
          return { name: JSON.stringify(drawn), plan: CrashPoints.plan(drawn) }
        })
      )
    },
    limit
  )
})
