import { assert, describe, it } from "@effect/vitest"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const main = path.join(import.meta.dirname, "main.ts")

const run = (...args: ReadonlyArray<string>) =>
  childProcess.spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    timeout: 60_000,
    // Without the peers that are written in Python.
    env: { ...process.env, PYPSRP_PYTHON: "" }
  })

describe("bench", () => {
  it("writes a measured figure by its key", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bench-"))
    try {
      const file = path.join(folder, "figures.json")
      const ran = run("--only", "clixml.decode", "--json", file)
      assert.strictEqual(ran.status, 0, ran.stderr)
      assert.match(ran.stdout, /^clixml\.decode\.mb_s +\d+\.\d {2}MB\/s\n$/u)
      const figures = JSON.parse(fs.readFileSync(file, "utf8"))
      assert.deepStrictEqual(Object.keys(figures), ["clixml.decode.mb_s"])
      assert.strictEqual(figures["clixml.decode.mb_s"].unit, "MB/s")
      assert.isAbove(figures["clixml.decode.mb_s"].value, 0)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it("knows no other figures", () => {
    const ran = run("--only", "speed.of.light")
    assert.notStrictEqual(ran.status, 0)
    assert.include(ran.stdout + ran.stderr, "machine.create.exchanges")
  })
})
