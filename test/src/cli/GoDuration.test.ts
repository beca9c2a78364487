import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as GoDuration from "../../../src/cli/GoDuration.ts"

describe("GoDuration", () => {
  it.each([
    ["15s", 15_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    ["2m500ms", 120_500],
    ["0", 0],
    ["0s", 0],
    ["120", 120_000],
    ["0.2", 200]
  ] as const)("reads %s", (text, millis) => {
    assert.strictEqual(Duration.toMillis(GoDuration.parse(text) ?? -1), millis)
  })
  it.each(["", "s", "15 s", "-1s", "1d", "15sec", "1e3", "s15", "1.s", "Infinity"])("refuses %o", (text) => {
    assert.isUndefined(GoDuration.parse(text))
  })
})
