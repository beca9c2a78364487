import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Kubectl from "../harness/Kubectl.ts"
import * as Program from "../src/cli/Program.ts"

const pool = (start: string, more = "") => `
apiVersion: infrastructure.cluster.x-k8s.io/v1alpha1
kind: ScvmmNamePool
metadata: {name: pool}
spec: {vmNameRanges: [{start: "${start}"}]${more}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {start: "${start}"}
`

/** A demo that stays, as its kubeconfig says. */
const demo = Effect.gen(function* () {
  const program = yield* Program.start("demo", "--machines", "1", "--no-crash", "--keep")
  const [, kubeconfig = ""] = yield* program.line(/export KUBECONFIG=(.+)/u)
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => fs.rmSync(path.dirname(kubeconfig), { recursive: true, force: true }))
  )
  return { program, ...(yield* Kubectl.make(kubeconfig)) }
})

describe("kubectl on the demo", () => {
  const run = Kubectl.unavailable === undefined ? it.live : it.live.skip
  run(
    "shows, explains, changes, watches and deletes as on any cluster",
    () =>
      Effect.gen(function* () {
        const { program, text: kubectl, run: attempt } = yield* demo
        const words = (line: string) => kubectl(line.split(" "))

        // Getting
        const table = yield* words("get scvmmmachines")
        assert.match(table, /^NAME +STATUS +READY +IP +AGE\n/u)
        assert.strictEqual(table.match(/^demo-\S+ +Running +True +10\./gmu)?.length, 4)
        assert.match(yield* words("get scvmmm -o wide"), /^NAME +STATUS +READY +HOST +IP +ID +AGE\n/u)
        assert.match(yield* words("get machines,kcp,md"), /machine\S+demo-workers-\S+ +Running/u)
        assert.match(yield* words("get secrets"), /^NAME +TYPE +DATA +AGE\n[^]*cluster\.x-k8s\.io\/secret +\d+ /u)
        const workers = yield* words(
          "get scvmmmachines -l !cluster.x-k8s.io/control-plane -o jsonpath={.items[*].metadata.name}"
        )
        assert.match(workers, /^demo-workers-\S+$/u)
        const yaml = yield* words(`get scvmmmachines --field-selector metadata.name=${workers} -o yaml`)
        assert.match(yaml, /kind: ScvmmMachine\n[^]* providerID: scvmm:\/\//u)
        assert.match(yield* words("get scvmmmachine none"), /scvmmmachines\S+ "none" not found/u)
        assert.match(
          yield* words(`describe scvmmmachine ${workers}`),
          /Vm Status: +Running\n[^]*Events:\n[^]*Normal +VmRunning/u
        )

        // Explaining
        assert.match(
          yield* words("explain scvmmmachine.spec"),
          /GROUP: +infrastructure\S+\n[^]*FIELDS:\n[^]*providerID/u
        )
        assert.match(yield* words("explain scvmmnamepool.spec.vmNameRanges --recursive"), /start\t<string>/u)
        assert.match(yield* words("explain scvmmmachine.metadata.ownerReferences"), /FIELDS:\n[^]*blockOwnerDeletion/u)
        assert.match(yield* words("explain machine.metadata"), /VERSION: +v1beta2\n/u)
        assert.match(yield* words("explain configmap.data"), /FIELD: data <map\[string\]string>/u)
        assert.match(yield* words("explain scvmmmachine.nothing"), /field "nothing" does not exist/u)
        const resources = yield* words("api-resources --api-group infrastructure.cluster.x-k8s.io")
        assert.match(resources, /^scvmmmachines +scvmmm +infrastructure\S+ +true +ScvmmMachine$/mu)
        assert.match(yield* words("version"), /Server Version: v1\.36\./u)

        // Applying, with validation by the server
        const apply = (manifest: string) => kubectl(["apply", "-f", "-"], manifest)
        assert.match(yield* apply(pool("a")), /pool created\nconfigmap\/settings created\n$/u)
        assert.match(yield* apply(pool("a")), /pool unchanged\nconfigmap\/settings unchanged\n$/u)
        assert.match(yield* apply(pool("b")), /pool configured\nconfigmap\/settings configured\n$/u)
        assert.match(yield* apply(pool("b", ", bogus: 1")), /strict decoding error: unknown field "spec\.bogus"/u)
        const lenient = yield* attempt(["apply", "--validate=warn", "-f", "-"], pool("b", ", bogus: 1"))
        assert.match(lenient.stderr, /Warning: unknown field "spec\.bogus"/u)

        // Changing
        const change = (type: string, patch: unknown) =>
          kubectl(["patch", "scvmmnamepool", "pool", "--type", type, "-p", JSON.stringify(patch)])
        assert.match(yield* change("merge", { metadata: { labels: { a: "b" } } }), /pool patched\n$/u)
        const operations = [{ op: "replace", path: "/spec/vmNameRanges/0/start", value: "c" }]
        assert.match(yield* change("json", operations), /pool patched\n$/u)
        assert.match(yield* words("label scvmmnamepool pool a=c"), /'a' already has a value \(b\)/u)
        assert.match(yield* words("label scvmmnamepool pool a=c --overwrite"), /pool labeled\n$/u)
        assert.match(yield* words("annotate scvmmnamepool pool note=kept"), /pool annotated\n$/u)
        const edited = (yield* words("get scvmmnamepool pool -o json")).replace('"start": "c"', '"start": "d"')
        assert.match(yield* kubectl(["replace", "-f", "-"], edited), /pool replaced\n$/u)
        assert.match(yield* kubectl(["replace", "-f", "-"], edited), /the object has been modified/u)

        // Waiting and watching
        const watching = yield* Effect.forkChild(
          attempt("get scvmmnamepool pool -o name --watch-only --request-timeout 4s".split(" ")),
          { startImmediately: true }
        )
        const waiting = yield* Effect.forkChild(words("wait scvmmnamepool/pool --for=delete --timeout=20s"), {
          startImmediately: true
        })
        assert.match(
          yield* words(`wait scvmmmachine/${workers} --for=condition=Ready --timeout=5s`),
          /condition met\n$/u
        )
        assert.match(yield* words("wait scvmmnamepool/pool --for=condition=Never --timeout=1s"), /timed out waiting/u)
        yield* words("annotate scvmmnamepool pool note=seen --overwrite")
        assert.match((yield* Fiber.join(watching)).stdout, /^scvmmnamepool\.infrastructure\S+\/pool\n/u)
        assert.match(yield* words("delete scvmmnamepool pool --dry-run=server"), /deleted .*\(server dry run\)/u)
        assert.match(yield* words("get scvmmnamepool pool"), /^NAME/u)
        assert.match(
          yield* words("delete scvmmnamepool,configmap pool settings --ignore-not-found --timeout=20s"),
          /"pool" deleted/u
        )
        assert.match(yield* Fiber.join(waiting), /pool condition met\n$/u)
        assert.match(yield* words("get scvmmnamepool pool"), /NotFound/u)

        yield* program.signal("SIGTERM")
        const { code, stderr } = yield* program.ended
        assert.strictEqual(code, 0, stderr)
      }).pipe(Effect.scoped),
    120_000
  )
})
