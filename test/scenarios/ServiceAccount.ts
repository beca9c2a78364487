/** A kubeconfig of the operator's own service account, with just what config/rbac.yaml grants. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { parse, parseAllDocuments, stringify } from "yaml"
import type { Access } from "../../src/simulators/kube/Access.ts"
import { text, withMetadata, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { temporary } from "../harness/Folder.ts"

const plurals: Readonly<Record<string, string>> = {
  Namespace: "namespaces",
  ServiceAccount: "serviceaccounts",
  ClusterRole: "clusterroles",
  ClusterRoleBinding: "clusterrolebindings",
  Role: "roles",
  RoleBinding: "rolebindings"
}

const resourceOf = (object: KubeJson) => {
  const [group = "", version] = text(object, "apiVersion").includes("/")
    ? text(object, "apiVersion").split("/")
    : ["", "v1"]
  return { group, version: version ?? "v1", plural: plurals[text(object, "kind")] ?? "" }
}

const namespace: KubeJson = { apiVersion: "v1", kind: "Namespace", metadata: { name: "caps-system" } }

/** Another account with the same roles. */
const renamed = (object: KubeJson, name: string): KubeJson => {
  const kind = text(object, "kind")
  const called = (to: string) => withMetadata(object, { name: to })
  if (kind === "ServiceAccount") return called(name)
  if (!kind.endsWith("Binding")) return object
  const subjects = [{ kind: "ServiceAccount", name, namespace: text(namespace, "metadata", "name") }]
  return { ...called(`${text(object, "metadata", "name")}-${name}`), subjects }
}

/**
 * Applies config/rbac.yaml and asks for a token; what is there already stays. The file goes with the scope. With `name` for an
 * account of that name instead of the manifest's.
 */
export const serviceAccount = Effect.fnUntraced(function* (access: Access, admin: string, name?: string) {
  const file = path.resolve(import.meta.dirname, "../../config/rbac.yaml")
  const objects = parseAllDocuments(fs.readFileSync(file, "utf8"))
    // Our own manifest: its shape is the generator's.
    .map((document) => document.toJS() as KubeJson)
    .map((object) => (name === undefined ? object : renamed(object, name)))
  for (const object of [namespace, ...objects]) {
    yield* access.create(resourceOf(object), text(object, "metadata", "namespace"), object).pipe(
      Effect.catchIf(
        (error) => error.reason === "AlreadyExists",
        () => Effect.void
      )
    )
  }
  const account = objects.find((object) => text(object, "kind") === "ServiceAccount")
  const target = `/api/v1/namespaces/${text(account, "metadata", "namespace")}/serviceaccounts/${text(account, "metadata", "name")}/token`
  const body = JSON.stringify({
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { expirationSeconds: 3600 }
  })
  const answer = yield* access.raw("POST", target, { "content-type": "application/json" }, body)
  // TokenRequest's answer.
  const granted = JSON.parse(answer.text) as { readonly status?: { readonly token?: string } }
  const token = granted.status?.token
  if (token === undefined) return yield* Effect.die(new Error(`no token: ${answer.status} ${answer.text}`))
  // The administrator's kubeconfig, as the harness wrote it.
  const config = parse(fs.readFileSync(admin, "utf8")) as { readonly users: ReadonlyArray<{ readonly name: string }> }
  const restricted = { ...config, users: config.users.map(({ name }) => ({ name, user: { token } })) }
  const folder = yield* temporary("account")
  const own = path.join(folder, "kubeconfig")
  fs.writeFileSync(own, stringify(restricted), { mode: 0o600 })
  return own
})
