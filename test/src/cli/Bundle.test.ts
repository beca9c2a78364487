import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as Bundle from "../../harness/Bundle.ts"
import * as Program from "./Program.ts"
import { temporary } from "../../harness/Folder.ts"

const folder = temporary("bundle")

describe("bundle", () => {
  it.live(
    "brings a cluster up away from its source: operator, PowerShell functions and simulators are all in it",
    () =>
      Effect.gen(function* () {
        const home = yield* folder
        yield* Bundle.make(home)
        const main = path.join(home, "main.js")
        const { code, stdout, stderr } = yield* Program.runFile(main, "demo", "--machines", "1", "--no-crash")
        assert.strictEqual(stderr, "")
        assert.match(stdout, /leftovers +0\n$/u)
        assert.strictEqual(code, 0)
      }).pipe(Effect.scoped),
    120_000
  )
})
