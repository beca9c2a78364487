import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { commitMarginSeconds, commitWithinSeconds } from "../../../../src/reconcilers/machine/Creation.ts"
import { windowLeft } from "../../../../src/reconcilers/machine/CreateStep.ts"

const window = (commitWithinSeconds + commitMarginSeconds) * 1_000
const started = Date.parse("2026-01-01T00:00:00Z")
const attempt = (startedAt: string) => ({ execHost: "exec-1", shellId: "s", startedAt })
const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

describe("CreateStep.windowLeft", () => {
  it.prop("ends when the command can no longer commit, and not before", { passed: Millis }, ({ passed }) => {
    for (const text of ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z", "2026-01-01T01:00:00+01:00"]) {
      assert.strictEqual(windowLeft(attempt(text), started + passed), Math.max(0, window - passed), text)
    }
  })

  it("is longer than the command's own window", () => {
    assert.isAbove(window, commitWithinSeconds * 1_000)
  })

  it.prop("a clock that is behind waits longer, never shorter", { behind: Millis }, ({ behind }) => {
    assert.isAtLeast(windowLeft(attempt("2026-01-01T00:00:00Z"), started - behind), window)
  })

  it("a start that nobody can read is not over", () => {
    for (const text of ["", "yesterday", "NaN"]) assert.strictEqual(windowLeft(attempt(text), started), window, text)
  })
})
