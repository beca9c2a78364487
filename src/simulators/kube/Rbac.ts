/** Role-based access control: what the roles bound to a user allow. Roles and bindings are objects like any other. */
import * as Kind from "./Kind.ts"
import { objects, strings, text, type KubeJson } from "./KubeJson.ts"
import type { Storage } from "./Storage.ts"
import { masters, type User } from "./User.ts"

export const group = "rbac.authorization.k8s.io"

export interface ResourceRequest {
  readonly verb: string
  readonly group: string
  readonly plural: string
  readonly subresource: string
  /** "" at the cluster scope. */
  readonly namespace: string
  readonly name: string
}

export interface PathRequest {
  readonly verb: string
  readonly path: string
}

const kind = (name: string, plural: string, namespaced: boolean): Kind.Kind =>
  Kind.make({ group, version: "v1", kind: name, plural, namespaced }, { names: "path" })

const roles = kind("Role", "roles", true)
const roleBindings = kind("RoleBinding", "rolebindings", true)
const clusterRoles = kind("ClusterRole", "clusterroles", false)
const clusterRoleBindings = kind("ClusterRoleBinding", "clusterrolebindings", false)

export const kinds: ReadonlyArray<Kind.Kind> = [roles, roleBindings, clusterRoles, clusterRoleBindings]

const includes = (list: ReadonlyArray<string>, wanted: string): boolean => list.includes("*") || list.includes(wanted)

const allowsResource = (rule: KubeJson, asked: ResourceRequest): boolean => {
  const names = strings(rule, "resourceNames")
  const whole = asked.subresource === "" ? asked.plural : `${asked.plural}/${asked.subresource}`
  return (
    includes(strings(rule, "verbs"), asked.verb) &&
    includes(strings(rule, "apiGroups"), asked.group) &&
    strings(rule, "resources").some(
      (resource) =>
        resource === "*" || resource === whole || (asked.subresource !== "" && resource === `*/${asked.subresource}`)
    ) &&
    (names.length === 0 || names.includes(asked.name))
  )
}

const allowsPath = (rule: KubeJson, asked: PathRequest): boolean =>
  includes(strings(rule, "verbs"), asked.verb) &&
  strings(rule, "nonResourceURLs").some((url) =>
    url.endsWith("*") ? asked.path.startsWith(url.slice(0, -1)) : url === asked.path
  )

const isSubject = (subject: KubeJson, user: User, home: string): boolean => {
  const name = text(subject, "name")
  switch (text(subject, "kind")) {
    case "User":
      return name === user.username
    case "Group":
      return user.groups.includes(name)
    case "ServiceAccount":
      return user.username === `system:serviceaccount:${text(subject, "namespace") || home}:${name}`
    default:
      return false
  }
}

/** The rules of the roles bound to a user at the cluster scope and, given one, in a namespace. */
export const rules = (storage: Storage, user: User, namespace: string): ReadonlyArray<KubeJson> =>
  [
    ...storage.list(clusterRoleBindings.store, ""),
    ...(namespace === "" ? [] : storage.list(roleBindings.store, `${namespace}/`))
  ].flatMap(({ object }) => {
    const home = text(object, "metadata", "namespace")
    if (!objects(object, "subjects").some((subject) => isSubject(subject, user, home))) return []
    const [of, name] = [text(object, "roleRef", "kind"), text(object, "roleRef", "name")]
    const role = of === "Role" ? storage.get(roles.store, `${home}/${name}`) : storage.get(clusterRoles.store, name)
    return objects(role, "rules")
  })

export const allows = (storage: Storage, user: User, asked: ResourceRequest | PathRequest): boolean =>
  user.groups.includes(masters) ||
  ("path" in asked
    ? rules(storage, user, "").some((rule) => allowsPath(rule, asked))
    : rules(storage, user, asked.namespace).some((rule) => allowsResource(rule, asked)))

const role = (name: string, given: ReadonlyArray<KubeJson>): KubeJson => ({
  apiVersion: `${group}/v1`,
  kind: "ClusterRole",
  metadata: { name },
  rules: [...given]
})

const binding = (name: string, ...groups: ReadonlyArray<string>): KubeJson => ({
  apiVersion: `${group}/v1`,
  kind: "ClusterRoleBinding",
  metadata: { name },
  roleRef: { apiGroup: group, kind: "ClusterRole", name },
  subjects: groups.map((name) => ({ apiGroup: group, kind: "Group", name }))
})

const paths = (...nonResourceURLs: ReadonlyArray<string>): KubeJson => ({
  nonResourceURLs: [...nonResourceURLs],
  verbs: ["get"]
})

const asks = (apiGroup: string, ...resources: ReadonlyArray<string>): KubeJson => ({
  apiGroups: [apiGroup],
  resources: [...resources],
  verbs: ["create"]
})

/** What the real server makes at its start, as far as clients need it: everything for masters, discovery and questions about oneself for all. */
export const bootstrap: ReadonlyArray<KubeJson> = [
  role("cluster-admin", [
    { apiGroups: ["*"], resources: ["*"], verbs: ["*"] },
    { nonResourceURLs: ["*"], verbs: ["*"] }
  ]),
  role("system:basic-user", [
    asks("authorization.k8s.io", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
    asks("authentication.k8s.io", "selfsubjectreviews")
  ]),
  role("system:discovery", [
    paths(
      "/api",
      "/api/*",
      "/apis",
      "/apis/*",
      "/healthz",
      "/livez",
      "/openapi",
      "/openapi/*",
      "/readyz",
      "/version",
      "/version/"
    )
  ]),
  role("system:public-info-viewer", [paths("/healthz", "/livez", "/readyz", "/version", "/version/")]),
  binding("cluster-admin", masters),
  binding("system:basic-user", "system:authenticated"),
  binding("system:discovery", "system:authenticated"),
  binding("system:public-info-viewer", "system:authenticated", "system:unauthenticated")
]
