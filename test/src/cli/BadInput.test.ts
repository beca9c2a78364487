import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { defaultInventory } from "../../../src/simulators/scvmm/DefaultInventory.ts"
import * as Program from "./Program.ts"
import { temporary } from "../../harness/Folder.ts"

const folder = temporary("bad-input")

/** A kubeconfig that can be used, of an API that nobody asks. */
const reachable = {
  "current-context": "one",
  contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
  clusters: [{ name: "one", cluster: { server: "https://127.0.0.1:1" } }],
  users: [{ name: "one", user: { token: "none" } }]
}

/** Ends with 2, says so on stderr in words that match, and shows nobody a stack. */
const refuses = Effect.fnUntraced(function* (message: RegExp, ...args: ReadonlyArray<string>) {
  const { code, stderr } = yield* Program.run(...args)
  assert.match(stderr, message)
  assert.notMatch(stderr, /^\s+at .*\.ts/mu)
  assert.strictEqual(code, 2)
})

describe("what a person typed wrong ends with a message and 2", () => {
  it.live("unknown subcommands and flags", () =>
    Effect.all(
      [
        refuses(/Unknown subcommand "destroy"/u, "destroy"),
        refuses(/Unrecognized flag: --bogus/u, "demo", "--bogus"),
        refuses(/Unrecognized flag: --bogus/u, "manager", "--bogus"),
        refuses(/Unrecognized flag: --bogus/u, "simulate", "--bogus")
      ],
      { concurrency: 2 }
    )
  )

  it.live("values that a flag does not take", () =>
    Effect.all(
      [
        refuses(/--machines: "0".*greater than or equal to 1/u, "demo", "--machines", "0"),
        refuses(
          /--scvmmmachine-concurrency: "0".*greater than or equal to 1/u,
          "manager",
          "--scvmmmachine-concurrency",
          "0"
        ),
        refuses(/--vm-transition-period.*greater than zero/u, "manager", "--vm-transition-period", "0s"),
        refuses(/--latency: "slow".*"fast" \| "realistic"/u, "demo", "--latency", "slow"),
        refuses(/--port: "65536".*between 0 and 65535/u, "simulate", "--port", "65536"),
        refuses(/--json: a demo that stays has no summary/u, "demo", "--keep", "--json", "summary.json")
      ],
      { concurrency: 2 }
    )
  )

  it.live("files that cannot be read or written", () =>
    Effect.gen(function* () {
      const missing = path.join(yield* folder, "missing", "file")
      yield* refuses(/missing.file: no such file/u, "manager", "--kubeconfig", missing)
      yield* refuses(/--inventory: .*missing.file/u, "simulate", "--inventory", missing)
      yield* refuses(/--json: .*missing.file cannot be written/u, "demo", "--json", missing)
      yield* refuses(/--record-wire: .*missing.file cannot be written: ENOENT/u, "demo", "--record-wire", missing)
      yield* refuses(/--replay: .*missing.file/u, "simulate", "--replay", missing)
    }).pipe(Effect.scoped)
  )

  it.live("a kubeconfig that is none, and an inventory with wrong fields, by name", () =>
    Effect.gen(function* () {
      const home = yield* folder
      const kubeconfig = path.join(home, "kubeconfig")
      fs.writeFileSync(kubeconfig, "clusters: 7\n")
      yield* refuses(/error: .*kubeconfig/u, "manager", "--kubeconfig", kubeconfig)
      const inventory = path.join(home, "inventory.json")
      const [disk] = defaultInventory.virtualHardDisks
      fs.writeFileSync(
        inventory,
        JSON.stringify({ ...defaultInventory, clouds: "Production", virtualHardDisks: [{ ...disk, format: "QCOW2" }] })
      )
      yield* refuses(/\["clouds"\]/u, "simulate", "--inventory", inventory)
      yield* refuses(/\["virtualHardDisks"\]\[0\]\["format"\]/u, "simulate", "--inventory", inventory)
      fs.writeFileSync(inventory, "{")
      yield* refuses(/--inventory: .*inventory\.json/u, "simulate", "--inventory", inventory)
    }).pipe(Effect.scoped)
  )

  it.live("a recording that exists, and one that is none or was cut, by file and line", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "wire.jsonl")
      fs.writeFileSync(file, '{"recording":"capscvmm wire","version":1,"at":""}\n{"at":')
      yield* refuses(/--record-wire: .*wire.jsonl exists already: name a new file/u, "demo", "--record-wire", file)
      fs.renameSync(file, `${file}.2`)
      yield* refuses(/--record-wire: .*wire.jsonl.2 exists already/u, "demo", "--record-wire", file)
      assert.isFalse(fs.existsSync(file))
      fs.renameSync(`${file}.2`, file)
      const kubeconfig = path.join(yield* folder, "kubeconfig")
      fs.writeFileSync(kubeconfig, JSON.stringify(reachable))
      yield* refuses(
        /--record-wire: .*wire.jsonl exists already/u,
        "manager",
        "--kubeconfig",
        kubeconfig,
        "--record-wire",
        file
      )
      yield* refuses(
        /--replay: .*wire.jsonl: line 2: the recording was cut in this line/u,
        "simulate",
        "--replay",
        file
      )
      fs.writeFileSync(file, "hello\n")
      yield* refuses(/--replay: .*wire.jsonl: line 1: this is no recording/u, "simulate", "--replay", file)
    }).pipe(Effect.scoped)
  )

  it.live("without a subcommand there is help, and 0", () =>
    Effect.gen(function* () {
      const { code, stdout } = yield* Program.run()
      assert.match(stdout, /manager[\s\S]*demo[\s\S]*simulate[\s\S]*manifests/u)
      assert.strictEqual(code, 0)
    })
  )
})
