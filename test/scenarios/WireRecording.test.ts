/** A support case: the operator records what it says to SCVMM, and another one lives on the recording. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, objects, text } from "../../src/simulators/kube/KubeJson.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import * as Program from "../src/cli/Program.ts"
import { create, eventually, quiet, site } from "./Site.ts"

const namespace = "default"
const provider: Core.Kind = { ...Core.ScvmmMachine, kind: "ScvmmProvider", plural: "scvmmproviders" }
const base64 = (value: string): string => Buffer.from(value).toString("base64")

type Site = Effect.Success<ReturnType<typeof site>>

/** An operator's provider on what `simulate` serves with these flags: its status once SCVMM is available. */
const life = Effect.fnUntraced(function* (
  it: Site,
  name: string,
  simulate: ReadonlyArray<string>,
  manager: ReadonlyArray<string>
) {
  const { access } = it.world
  const served = yield* Program.start("simulate", "--port", "0", ...simulate)
  const value = (label: string) =>
    Effect.map(served.line(new RegExp(`^${label} +(.+)$`, "mu")), ([, found = ""]) => found)
  const endpoint = new URL(yield* value("endpoint"))
  const ca = fs.readFileSync(yield* value("CA"), "utf8")
  yield* create(access, namespace, Core.Secret, {
    metadata: { name },
    data: { username: base64(yield* value("user")), password: base64(yield* value("password")), "ca.crt": base64(ca) }
  })
  yield* create(access, namespace, provider, {
    metadata: { name },
    spec: {
      scvmmHost: "vmm.example.test",
      scvmmSecret: { name },
      execHosts: ["127.0.0.1"],
      transport: { scheme: "https", port: Number(endpoint.port) }
    }
  })
  const operator = yield* OperatorProcess.start({
    kubeconfig: it.kubeconfig,
    log: path.join(it.folder, `${name}.log`),
    flags: manager
  })
  const status = yield* eventually(
    `SCVMM is available to ${name}`,
    Effect.map(access.get(provider, namespace, name), (object) => {
      const condition = objects(object, "status", "conditions").find((it) => text(it, "type") === "ScvmmAvailable")
      return text(condition, "status") === "True" ? { execHosts: at(object, "status", "execHosts") } : undefined
    }),
    20
  )
  const code = yield* operator.stop
  yield* access.delete(provider, namespace, name)
  return { status, code }
}, Effect.scoped)

describe("a support case", () => {
  it.live(
    "is recorded by an operator, and replayed to another one",
    () =>
      Effect.gen(function* () {
        const it = yield* site({ seed: "support" })
        const file = path.join(it.folder, "wire.jsonl")
        const before = yield* life(it, "recorded", ["--latency", "fast"], ["--record-wire", file])
        assert.strictEqual(before.code, 0)
        assert.include(JSON.stringify(before.status), '"status":"OK"')
        const recording = fs.readFileSync(file, "utf8")
        assert.include(recording, "CreatePipeline Connect-CapsServer")
        assert.include(recording, '"closed":"the process ended"')
        assert.notInclude(recording, "simulated-password")
        const after = yield* life(it, "replayed", ["--replay", file], [])
        assert.deepStrictEqual(after, before)
      }).pipe(Effect.scoped, quiet),
    60_000
  )
})
