/** The program as a deployment carries it: main.js, its chunks, and the files that it reads while it runs. */
import * as fs from "node:fs"
import * as path from "node:path"
import { defineConfig } from "rolldown"

const at = (...parts: ReadonlyArray<string>): string => path.join(import.meta.dirname, ...parts)

/** Read beside the module that needs them, which in a bundle is the chunk: name there → file here. */
const assets = (): ReadonlyArray<readonly [string, string]> => [
  ...fs
    .readdirSync(at("layers/scvmm/functions"))
    .map((name) => [`functions/${name}`, at("layers/scvmm/functions", name)] as const),
  ["BuiltinSchemas.json", at("src/simulators/kube/BuiltinSchemas.json")]
]

export default defineConfig({
  input: at("src/main.ts"),
  platform: "node",
  // What a command does not need is in chunks that it does not load. The text of the source is kept in memory: the shorter, the better.
  output: { dir: "dist", format: "esm", minify: true, cleanDir: true },
  plugins: [
    {
      name: "assets",
      generateBundle() {
        for (const [fileName, file] of assets()) {
          this.emitFile({ type: "asset", fileName, source: fs.readFileSync(file) })
        }
      }
    }
  ]
})
