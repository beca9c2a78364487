/** The clients that are compared: ours, the floor, and the peers that can run here. */
import * as Effect from "effect/Effect"
import * as path from "node:path"
import type { Program } from "./Client.ts"

const here = (name: string): string => path.join(import.meta.dirname, name)

export const ours: Program = { name: "ours", command: [process.execPath, here("OurClient.ts")] }
export const floor: Program = { name: "floor", command: [process.execPath, here("FloorClient.ts")] }

/** An interpreter whose environment has the Python peers. */
const python = process.env["PYPSRP_PYTHON"] ?? ""

const inPython = (name: string, script: string): ReadonlyArray<Program> =>
  python === "" ? [] : [{ name, command: [python, here(script)] }]

/** Those that cannot run are left out, and a line says so. */
export const peers: Effect.Effect<ReadonlyArray<Program>> = Effect.sync(() => {
  if (python === "") process.stderr.write("without pypsrp: PYPSRP_PYTHON is not set\n")
  return [...inPython("pypsrp", "pypsrp_client.py")]
})
