/** Tests against a program of the system: skipped, with a line that says so, where it is not installed. */
import { describe } from "@effect/vitest"
import { accessSync, constants } from "node:fs"
import * as path from "node:path"

const installed = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK)
      return true
    } catch {
      // Not in this folder: the next one may have it.
      return false
    }
  })

export const describeProgram = (program: string, suite: () => void): void => {
  if (installed(program)) describe(program, suite)
  else describe.skip(`${program} (skipped: it is not installed)`, suite)
}
