import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import * as Yaml from "yaml"
import { crd } from "../../../../schemas/Crd.ts"
import { kinds } from "../../../../schemas/scvmm/Kinds.ts"
import * as Access from "../../../../src/simulators/kube/Access.ts"
import * as EmbeddedApiServer from "../../../../src/simulators/kube/EmbeddedApiServer.ts"
import { text, type KubeJson } from "../../../../src/simulators/kube/KubeJson.ts"

const configMaps = { group: "", version: "v1", plural: "configmaps" }
const accounts = { group: "", version: "v1", plural: "serviceaccounts" }
const namespaces = { group: "", version: "v1", plural: "namespaces" }
const rbac = (plural: string) => ({ group: "rbac.authorization.k8s.io", version: "v1", plural })

const plurals: Readonly<Record<string, Access.ResourceName>> = {
  ServiceAccount: accounts,
  ClusterRole: rbac("clusterroles"),
  ClusterRoleBinding: rbac("clusterrolebindings"),
  Role: rbac("roles"),
  RoleBinding: rbac("rolebindings")
}

const tokenOf = (access: Access.Access, namespace: string, name: string, seconds: number) =>
  Effect.map(
    access.raw(
      "POST",
      `${Access.path(accounts, namespace, name)}/token`,
      { "content-type": "application/json" },
      JSON.stringify({ spec: { expirationSeconds: seconds } })
    ),
    (answer) => text(JSON.parse(answer.text), "status", "token")
  )

const status = (
  server: EmbeddedApiServer.EmbeddedApiServer,
  token: string,
  method: string,
  target: string,
  body = ""
) =>
  Effect.map(
    Access.make(server.handler).raw(
      method,
      target,
      { authorization: `Bearer ${token}`, "content-type": "application/merge-patch+json" },
      body
    ),
    (answer) => answer.status
  )

describe("permissions on the embedded server", () => {
  it.effect("of the operator are those of its own manifest", () =>
    Effect.gen(function* () {
      const server = yield* EmbeddedApiServer.make({ crds: kinds.map((kind) => crd(kind)) })
      const { access } = server
      yield* access.create(namespaces, "", { metadata: { name: "caps-system" } })
      const file = path.resolve(import.meta.dirname, "../../../../config/rbac.yaml")
      for (const document of Yaml.parseAllDocuments(fs.readFileSync(file, "utf8"))) {
        // Our own manifest.
        const object = document.toJS() as KubeJson
        const resource = plurals[text(object, "kind")]
        if (resource !== undefined) yield* access.create(resource, text(object, "metadata", "namespace"), object)
      }
      const token = yield* tokenOf(access, "caps-system", "caps-controller-manager", 3600)
      const group = "/apis/infrastructure.cluster.x-k8s.io/v1alpha1"
      const answers = yield* Effect.forEach(
        [
          ["GET", `${group}/scvmmmachines`],
          ["GET", `${group}/namespaces/default/scvmmmachines/none`],
          ["PATCH", `${group}/namespaces/default/scvmmmachines/none/status`],
          ["DELETE", `${group}/namespaces/default/scvmmmachines/none`],
          ["GET", "/api/v1/namespaces/default/secrets/none"],
          ["GET", "/api/v1/namespaces/default/secrets"],
          ["GET", "/apis/coordination.k8s.io/v1/namespaces/caps-system/leases/none"],
          ["GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/none"]
        ] as const,
        ([method, target]) => status(server, token, method, target, method === "PATCH" ? "{}" : "")
      )
      assert.deepStrictEqual(answers, [200, 404, 404, 403, 404, 403, 404, 403])
    })
  )

  it.effect("end with the token that carries them", () =>
    Effect.gen(function* () {
      const server = yield* EmbeddedApiServer.make()
      yield* server.access.create(accounts, "default", { metadata: { name: "robot" } })
      const token = yield* tokenOf(server.access, "default", "robot", 600)
      yield* TestClock.adjust("599 seconds")
      assert.strictEqual(yield* status(server, token, "GET", "/api"), 200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* status(server, token, "GET", "/api"), 401)
    })
  )

  it.effect("show in the record of who wrote what", () =>
    Effect.gen(function* () {
      const server = yield* EmbeddedApiServer.make({
        tokens: [
          { token: Redacted.make("root"), user: "root" },
          { token: Redacted.make("guest"), user: "guest", groups: [] }
        ]
      })
      const [root, guest] = ["root", "guest"].map((token) =>
        Access.make((request, connection) =>
          server.handler({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } }, connection)
        )
      )
      if (root === undefined || guest === undefined) return assert.fail()
      const created = yield* root.create(configMaps, "default", { metadata: { generateName: "a-" } })
      const name = text(created, "metadata", "name")
      const changed = yield* root.mergePatch(configMaps, "default", name, { data: { a: "b" } })
      yield* root.mergePatch(configMaps, "default", name, { data: { a: "b" } })
      yield* Effect.flip(guest.delete(configMaps, "default", name))
      yield* root.delete(configMaps, "default", name)
      const [first, second] = [created, changed].map((object) => text(object, "metadata", "resourceVersion"))
      const { resourceVersion: last } = yield* root.list(configMaps, "default")
      assert.deepStrictEqual(
        server.audit.recent().map((entry) => [entry.user, entry.verb, entry.name, entry.resourceVersion, entry.code]),
        [
          ["root", "create", name, first, 201],
          ["root", "patch", name, second, 200],
          ["root", "patch", name, second, 200],
          ["guest", "delete", name, "", 403],
          ["root", "delete", name, last, 200]
        ]
      )
    })
  )
})
