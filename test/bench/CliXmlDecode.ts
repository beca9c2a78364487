/** How fast CLIXML of the kinds that VMM's answers are made of is decoded: objects of scalars, and long strings of JSON. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as childProcess from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { decodeCliXml } from "../../layers/psrp/CliXmlDecoder.ts"
import { encodeCliXml } from "../../layers/psrp/CliXmlEncoder.ts"
import { array, bag } from "../../layers/psrp/PsObject.ts"
import { temporary } from "../harness/Folder.ts"
import type { Bench } from "./Bench.ts"
import { cpuSeconds, figure, median } from "./Bench.ts"

const machine = (index: number) => {
  const fields = {
    Name: `worker-${index}`,
    VMHost: String.raw`hv0${index % 8}.example.test`,
    Location: String.raw`C:\ClusterStorage\Volume${index % 4}\worker-${index}`,
    Description: 'clusters <"production"> & others\r\nénd',
    Memory: 8192,
    CPUCount: 4,
    IsHighlyAvailable: index % 2 === 0
  }
  return bag({
    ...fields,
    Id: { _tag: "Scalar", type: "Guid", text: `2f3b5d1c-9a5e-4b71-8c1f-${String(index).padStart(12, "0")}` },
    CreationTime: { _tag: "Scalar", type: "DateTime", text: "2026-01-31T12:34:56.7890123+01:00" },
    Json: JSON.stringify(fields)
  })
}

const script = path.join(import.meta.dirname, "clixml_decode.py")
const rounds = 7
const minimumSeconds = 0.15

/** Decodes again and again for a while; megabytes of UTF-8 in a second of CPU time. */
const round = (text: string, bytes: number): number => {
  const begin = cpuSeconds()
  let decoded = 0
  while (cpuSeconds() - begin < minimumSeconds) {
    if (Result.isFailure(decodeCliXml(text))) throw new Error("the document does not decode")
    decoded += bytes
  }
  return decoded / 1e6 / (cpuSeconds() - begin)
}

/** pypsrp on the same document; undefined, and a line that says why, where there is no interpreter. */
const pypsrp = (text: string) =>
  Effect.gen(function* () {
    const python = process.env["PYPSRP_PYTHON"] ?? ""
    if (python === "") {
      process.stderr.write("without pypsrp: PYPSRP_PYTHON is not set\n")
      return undefined
    }
    const file = path.join(yield* temporary("bench"), "document.xml")
    fs.writeFileSync(file, text)
    return yield* Effect.callback<number>((resume) => {
      childProcess.execFile(python, [script, file], (error, printed) =>
        resume(error === null ? Effect.succeed(Number(printed)) : Effect.die(error))
      )
    })
  })

export const cliXmlDecode: Bench = {
  keys: ["clixml.decode.mb_s", "clixml.decode.over_pypsrp"],
  measure: Effect.gen(function* () {
    const text = encodeCliXml(array(Array.from({ length: 500 }, (_, index) => machine(index))))
    const bytes = Buffer.byteLength(text)
    round(text, bytes)
    const ours = median(Array.from({ length: rounds }, () => round(text, bytes)))
    const peer = yield* pypsrp(text)
    return {
      "clixml.decode.mb_s": figure(ours, "MB/s", { peer, better: "higher" }),
      ...(peer !== undefined && { "clixml.decode.over_pypsrp": figure(ours / peer, "times") })
    }
  })
}
