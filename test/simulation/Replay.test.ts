import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { execFileSync } from "node:child_process"
import * as Scenarios from "./Scenarios.ts"

describe("the same scenarios give the same event log for the same seed, twice", () => {
  for (const [name, scenario] of Object.entries(Scenarios.all)) {
    it(
      name,
      () => {
        const first = Scenarios.play(scenario, "replay")
        const second = Scenarios.play(scenario, "replay")
        assert.isAbove(first.lines.length, 100)
        assert.deepStrictEqual(second.lines, first.lines)
        assert.deepStrictEqual(first.value, [], "violations")
        assert.isBelow(first.millis, Duration.toMillis("2 hours"))
        const other = Scenarios.play(scenario, "another seed")
        assert.notStrictEqual(Scenarios.digest(other), Scenarios.digest(first))
      },
      60_000
    )
  }

  it("in another process as well", () => {
    const here = Scenarios.digest(Scenarios.play(Scenarios.all.machine, "replay"))
    const there = execFileSync(
      process.execPath,
      [new URL("Replay.ts", import.meta.url).pathname, "machine", "replay"],
      {
        encoding: "utf8"
      }
    )
    assert.strictEqual(there.trim().split("\n").at(-1), here)
  }, 60_000)
})
