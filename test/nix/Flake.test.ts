import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import * as path from "node:path"
import { describeProgram } from "../harness/Program.ts"

const evaluate = (): unknown =>
  JSON.parse(
    execFileSync("nix-instantiate", ["--eval", "--strict", "--json", path.join(import.meta.dirname, "eval.nix")], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      // The store is not written to, so any folder will do.
      env: { ...process.env, NIX_STATE_DIR: "/nonexistent", NIX_REMOTE: "dummy://" }
    })
  )

describeProgram("nix-instantiate", () => {
  it("the flake's outputs evaluate: a shell for each system, every locked package with an address", () => {
    const flake = evaluate()
    assert.nestedPropertyVal(flake, "outputs.devShells.x86_64-linux.default.type", "shell")
    assert.nestedPropertyVal(
      flake,
      "outputs.devShells.aarch64-darwin.default.npmDeps.name",
      "cluster-api-provider-scvmm"
    )
    const linux = "outputs.devShells.x86_64-linux.default.npmDeps"
    assert.deepNestedPropertyVal(flake, `${linux}.unresolved`, [])
    assert.nestedPropertyVal(flake, `${linux}.lockfileVersion`, 3)
  })
})
