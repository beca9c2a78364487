import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as CrashPoints from "./CrashPoints.ts"
import { options } from "./MachineLife.ts"
import * as PlantedBugs from "./PlantedBugs.ts"
import type { Options } from "./Universe.ts"

const given = options("crash points")
const limit = 170_000

/** The exchanges around a creation: from the record of the attempt to the first look at the VM that was made. */
const around = (life: Options) => {
  const all = CrashPoints.points(life)
  const announced = all.findIndex(({ text }) => text.startsWith("POST ") && text.includes("/events"))
  const intended = all.findIndex(({ text }, at) => at > announced && /^PATCH .*\/scvmmmachines\/.*\/status/u.test(text))
  const sent = all.findIndex(({ text }, at) => at > intended && text === "wsman Command")
  const recorded = all.findIndex(({ text }, at) => at > sent && /^PATCH .*\/scvmmmachines\/[^/?]+\?/u.test(text))
  return { all, intended, sent, recorded }
}

const window = (() => {
  const { all, intended, recorded } = around(given)
  return all.slice(intended - 2, recorded + 3)
})()

const aroundTheCreation = CrashPoints.everywhere(window, ["crashBefore", "crashAfter"])

const found = async (what: string, broken: Partial<Options>): Promise<ReadonlyArray<string>> => {
  const { failures, runs } = await CrashPoints.explore({ ...given, ...broken }, aroundTheCreation)
  process.stdout.write(`${what}: found at ${failures.length} of ${runs} cuts\n`)
  return failures
}

/** Lives in which the seed is all that differs. */
const seeds = ["planted 1", "planted 2", "planted 3", "planted 4"]

/**
 * With each seed, the operator dies when the creation has arrived and nothing of its answer has: before or after its Command was
 * answered. The moment is the bug's worst, so that it counts how often it is found there, which is always: half is demanded.
 */
const midway = async (what: string, broken: Partial<Options>, hostLostFor?: Duration.Input) => {
  const failures: Array<string> = []
  let runs = 0
  for (const seed of seeds) {
    const life = { ...given, seed }
    const { all, sent } = around(life)
    const cuts = [
      ...CrashPoints.everywhere(all.slice(sent, sent + 1), ["crashAfter"]),
      ...CrashPoints.everywhere(all.slice(sent + 1, sent + 2), ["crashBefore"])
    ]
    const plans = cuts.map(({ name, plan }) => ({
      name: `${seed}: ${name}`,
      plan: { ...plan, ...(hostLostFor !== undefined && { hostLostFor }) }
    }))
    const report = await CrashPoints.explore({ ...life, ...broken }, plans)
    failures.push(...report.failures)
    runs += report.runs
  }
  process.stdout.write(`${what}: found at ${failures.length} of ${runs} cuts\n`)
  return { failures, runs }
}

const twice = /two VMs carried the marker/u

describe("a bug that was planted is found", () => {
  it("in a window that holds the whole creation", () => {
    assert.isAtLeast(window.length, 8)
    assert.isAtLeast(window.filter(({ text }) => text === "wsman Command").length, 1)
  })

  it(
    "a marker that is looked up neither by the operator nor by the function",
    async () => {
      const failures = await found("no look-up at all", {
        tamper: PlantedBugs.findsNothing,
        functions: [PlantedBugs.createsBlindly]
      })
      // Three times with this seed.
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, 1)
    },
    limit
  )

  it(
    "a marker that the operator alone does not look up: the function keeps it from a second VM, and it never ends",
    async () => {
      const failures = await found("no look-up by the operator", { tamper: PlantedBugs.findsNothing })
      assert.isAtLeast(failures.length, 1)
      for (const failure of failures) assert.match(failure, /OutOfTime/u)
    },
    limit
  )

  it(
    "an attempt that is not recorded, with a function that does not look either",
    async () => {
      const { failures, runs } = await midway("no intent", {
        tamper: PlantedBugs.forgetsIntent,
        functions: [PlantedBugs.createsBlindly],
        // Else the successor deletes the attempt's shell, which it finds by its name.
        mayListShells: false
      })
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, runs / 2)
    },
    limit
  )

  it(
    "a finalizer that is dropped early",
    async () => {
      const failures = await found("early finalizer", { tamper: PlantedBugs.dropsFinalizer })
      assert.lengthOf(failures, aroundTheCreation.length)
      for (const failure of failures) assert.match(failure, /is gone while its VM is there/u)
    },
    limit
  )
})

/**
 * A shell that is not deleted is made up for by the margin that follows, by the mutex of its exec host, and by the look right
 * before the commit. It takes a successor on another exec host, and two looks between which neither VM is in VMM yet: then
 * nothing but the deletion is left. So the first host is busy and begins 40 s late, of which the margin eats 30 s, and a
 * commit takes most of that margin; the host is lost for longer than the operator leaves it alone, or the successor would
 * be back on it; and the account may not list shells, or it would delete the shell by its name.
 */
describe("a shell that is not deleted before the next attempt", () => {
  const busy: Partial<Options> = {
    mayListShells: false,
    latency: { ...given.latency, placement: [60, 64], commit: [20, 28] },
    functions: [PlantedBugs.beginsLate("exec1.example.test", "40 seconds")]
  }

  it(
    "makes a second VM",
    async () => {
      const { failures, runs } = await midway("shell left", { ...busy, tamper: PlantedBugs.leavesShells }, "90 seconds")
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, runs / 2)
    },
    limit
  )

  it(
    "is what keeps from it",
    async () => {
      assert.deepStrictEqual((await midway("shell deleted", busy, "90 seconds")).failures, [])
    },
    limit
  )
})
