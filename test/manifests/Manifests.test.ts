import { assert, describe, it } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { crdFolder, manifests } from "../../src/manifests/Manifests.ts"
import { clusterRole } from "../../src/manifests/Rbac.ts"
import { writeManifests } from "../../src/cli/manifests.ts"
import { kinds } from "../../schemas/scvmm/Kinds.ts"
import { temporary } from "../harness/Folder.ts"

const root = path.resolve(import.meta.dirname, "../..")
const hint = "run `npm run manifests`"

describe("generated manifests", () => {
  it("are committed as the generator writes them", () => {
    for (const { path: name, text } of manifests()) {
      const file = path.join(root, name)
      assert.isTrue(fs.existsSync(file), `${name} is missing: ${hint}`)
      assert.strictEqual(fs.readFileSync(file, "utf8"), text, `${name} is stale: ${hint}`)
    }
  })

  it("are all that is in the folder of CRDs", () => {
    const wanted = manifests().map((it) => it.path)
    const found = fs.readdirSync(path.join(root, crdFolder)).map((name) => `${crdFolder}/${name}`)
    assert.deepStrictEqual(
      found.filter((name) => !wanted.includes(name)),
      []
    )
  })

  it.effect("are written, and a CRD that no kind makes is removed", () =>
    Effect.gen(function* () {
      const folder = yield* temporary("manifests")
      fs.mkdirSync(path.join(folder, crdFolder), { recursive: true })
      fs.writeFileSync(path.join(folder, crdFolder, "old.yaml"), "")
      yield* writeManifests(folder)
      assert.sameMembers(fs.readdirSync(path.join(folder, crdFolder)), fs.readdirSync(path.join(root, crdFolder)))
      for (const { path: name, text } of manifests()) {
        assert.strictEqual(fs.readFileSync(path.join(folder, name), "utf8"), text)
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )
})

describe("the operator's ClusterRole", () => {
  const rules = clusterRole(kinds)["rules"] as ReadonlyArray<{
    readonly apiGroups: ReadonlyArray<string>
    readonly resources: ReadonlyArray<string>
    readonly verbs: ReadonlyArray<string>
  }>
  const verbs = (group: string, resource: string): ReadonlyArray<string> =>
    rules.filter((it) => it.apiGroups.includes(group) && it.resources.includes(resource)).flatMap((it) => it.verbs)

  it("reads Secrets by name alone", () => {
    assert.deepStrictEqual(verbs("", "secrets"), ["get"])
  })

  it("has no wildcard", () => {
    assert.notInclude(JSON.stringify(rules), "*")
  })

  it("may watch every kind of ours, and make owners of machines", () => {
    const group = "infrastructure.cluster.x-k8s.io"
    for (const kind of kinds) assert.includeMembers([...verbs(group, kind.plural)], ["get", "list", "watch"])
    assert.deepStrictEqual(verbs(group, "scvmmmachines/finalizers"), ["update"])
    assert.deepStrictEqual(verbs(group, "scvmmmachines/status"), ["get", "patch"])
  })
})
