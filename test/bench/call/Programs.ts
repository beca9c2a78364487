/** The clients that are compared: ours, the floor, and the peers that can run here. */
import * as Effect from "effect/Effect"
import * as path from "node:path"
import { masterzen } from "../Peer.ts"
import type { Program } from "./Client.ts"

const here = (name: string): string => path.join(import.meta.dirname, name)

export const ours: Program = { name: "ours", command: [process.execPath, here("OurClient.ts")] }
export const floor: Program = { name: "floor", command: [process.execPath, here("FloorClient.ts")] }

/** An interpreter whose environment has the Python peers. */
const python = process.env["PYPSRP_PYTHON"] ?? ""

const inPython: ReadonlyArray<Program> =
  python === ""
    ? []
    : [
        { name: "pypsrp", command: [python, here("pypsrp_client.py")] },
        { name: "pywinrm", command: [python, here("pywinrm_client.py")] }
      ]

/** Those that cannot run are left out, and a line says so. */
export const peers: Effect.Effect<ReadonlyArray<Program>> = Effect.map(masterzen, (binary) => {
  if (python === "") process.stderr.write("without pypsrp, pywinrm: PYPSRP_PYTHON is not set\n")
  return [
    ...inPython,
    ...(binary === undefined ? [] : [{ name: "masterzen", command: [binary] as const }]),
    // It takes the first Receive for the whole answer.
    { name: "winrm-client", command: [process.execPath, here("WinRmClient.ts")], smallOnly: true }
  ]
})
