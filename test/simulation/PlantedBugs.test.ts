import { assert, describe, it } from "@effect/vitest"
import * as CrashPoints from "./CrashPoints.ts"
import { options } from "./MachineLife.ts"
import * as PlantedBugs from "./PlantedBugs.ts"
import type { Options } from "./Universe.ts"
import type { Fate } from "./Wire.ts"

const given = options("crash points")
const limit = 170_000

/** The exchanges around the creation: from the look for a VM of that name to the first look at the one that was made. */
const window = (() => {
  const all = CrashPoints.points(given)
  const announced = all.findIndex(({ text }) => text.startsWith("POST ") && text.includes("/events"))
  const recorded = all.findIndex(({ text }, at) => at > announced && /^PATCH .*\/scvmmmachines\/[^/?]+\?/u.test(text))
  return all.slice(announced - 2, recorded + 3)
})()

const crashes: ReadonlyArray<Fate> = ["crashBefore", "crashAfter"]

const aroundTheCreation = (hostLostFor?: "90 seconds"): ReadonlyArray<CrashPoints.Named> =>
  CrashPoints.everywhere(window, crashes).map(({ name, plan }) => ({
    name,
    plan: { ...plan, ...(hostLostFor !== undefined && { hostLostFor }) }
  }))

const found = async (what: string, broken: Partial<Options>): Promise<ReadonlyArray<string>> => {
  const { failures, runs } = await CrashPoints.explore({ ...given, ...broken }, aroundTheCreation())
  process.stdout.write(`${what}: found at ${failures.length} of ${runs} cuts\n`)
  return failures
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
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, 3)
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
      const failures = await found("no intent", {
        tamper: PlantedBugs.forgetsIntent,
        functions: [PlantedBugs.createsBlindly],
        // Else the successor deletes the attempt's shell, which it finds by its name.
        mayListShells: false
      })
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, 2)
    },
    limit
  )

  it(
    "a finalizer that is dropped early",
    async () => {
      const failures = await found("early finalizer", { tamper: PlantedBugs.dropsFinalizer })
      assert.lengthOf(failures, aroundTheCreation().length)
      for (const failure of failures) assert.match(failure, /is gone while its VM is there/u)
    },
    limit
  )
})

/**
 * A shell that is not deleted is made up for by the margin that follows, by the mutex of its exec host, and by the look right
 * before the commit. It takes a placement longer than the margin, a successor on another exec host, and two looks between
 * which neither VM is in VMM yet: then nothing but the deletion is left. The host is lost for longer than the operator leaves it
 * alone, or the successor would be back on it; and the account may not list shells, or it would delete the shell by its name.
 */
describe("a shell that is not deleted before the next attempt", () => {
  // A seed with which the second look falls so: one in three does.
  const slow: Options = {
    ...options("slow 4"),
    mayListShells: false,
    latency: { ...given.latency, placement: [40, 100], commit: [20, 28] }
  }
  const explored = (broken: Partial<Options>) =>
    CrashPoints.explore({ ...slow, ...broken }, aroundTheCreation("90 seconds"))

  it(
    "makes a second VM",
    async () => {
      const { failures, runs } = await explored({ tamper: PlantedBugs.leavesShells })
      process.stdout.write(`shell left: found at ${failures.length} of ${runs} cuts\n`)
      assert.isAtLeast(failures.filter((failure) => twice.test(failure)).length, 1)
    },
    limit
  )

  it(
    "is what keeps from it",
    async () => {
      assert.deepStrictEqual((await explored({})).failures, [])
    },
    limit
  )
})
