/** What the operator may do: derived from the descriptors of our kinds, and a table for those of others. */
import { providerLabel, providerLabelValue } from "../../schemas/capi/Contract.ts"
import { Cluster } from "../../schemas/capi/Cluster.ts"
import { IPAddress, IPAddressClaim } from "../../schemas/capi/Ipam.ts"
import { Machine } from "../../schemas/capi/Machine.ts"
import type { Described } from "../../schemas/Crd.ts"
import { Namespace, Secret } from "../../schemas/kube/Core.ts"
import { Lease } from "../../schemas/kube/Lease.ts"
import type { Json } from "../../schemas/kube/Patch.ts"
import type { Permission } from "../../schemas/scvmm/CustomResource.ts"

interface Rule {
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<Permission>
}

type Manifest = { readonly [key: string]: Json }

const rule = (
  resource: { readonly group: string; readonly plural: string },
  verbs: ReadonlyArray<Permission>,
  subresource?: "status" | "finalizers"
): Rule => ({
  apiGroups: [resource.group],
  resources: [subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`],
  verbs: verbs.toSorted()
})

const events = { group: "events.k8s.io", plural: "events" }

/** Of other people's kinds. Secrets are read by name alone, never listed or watched (design D21). */
const foreign: ReadonlyArray<Rule> = [
  rule(Secret, ["get"]),
  // The UID of kube-system names the installation; a provider may select namespaces by their labels.
  rule(Namespace, ["get"]),
  rule(events, ["create", "patch"]),
  rule(Cluster, ["get", "list", "watch"]),
  rule(Machine, ["get", "list", "watch"]),
  rule(IPAddressClaim, ["create", "delete", "get", "list", "patch", "watch"]),
  rule(IPAddress, ["get", "list", "watch"])
]

/** update of …/finalizers is what an ownerReference with blockOwnerDeletion asks for (contract rule 11). */
const own = (resource: Described): ReadonlyArray<Rule> => [
  rule(resource, resource.permissions.object),
  ...(resource.permissions.status.length > 0 ? [rule(resource, resource.permissions.status, "status")] : []),
  ...(resource.permissions.finalizers ? [rule(resource, ["update"], "finalizers")] : [])
]

/** Rules of one group with the same verbs become one. */
const merged = (rules: ReadonlyArray<Rule>): ReadonlyArray<Rule> => {
  const byKey = new Map<string, Rule>()
  for (const it of rules) {
    const key = JSON.stringify([it.apiGroups, it.verbs])
    const before = byKey.get(key)
    byKey.set(key, {
      ...it,
      resources: [...new Set([...(before?.resources ?? []), ...it.resources])].toSorted()
    })
  }
  return [...byKey.entries()].toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, it]) => it)
}

const json = (it: Rule): Json => ({ apiGroups: it.apiGroups, resources: it.resources, verbs: it.verbs })

/** Where a release installs the operator; the names are the predecessor's. */
export const namespace = "caps-system"
const serviceAccount = "caps-controller-manager"
const managerRole = "caps-manager-role"
const leaderElectionRole = "caps-leader-election-role"

const rbac = (kind: string, name: string, namespaced: boolean, body: Manifest): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind,
  metadata: {
    name,
    ...(namespaced && { namespace }),
    labels: { [providerLabel]: providerLabelValue }
  },
  ...body
})

const binding = (role: "Role" | "ClusterRole", name: string): Manifest => ({
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: role, name },
  subjects: [{ kind: "ServiceAccount", name: serviceAccount, namespace }]
})

export const clusterRole = (kinds: ReadonlyArray<Described>): Manifest =>
  rbac("ClusterRole", managerRole, false, { rules: merged([...foreign, ...kinds.flatMap(own)]).map(json) })

/** The lease of the leader, in the operator's own namespace. */
export const leaderElection: Manifest = rbac("Role", leaderElectionRole, true, {
  rules: [json(rule(Lease, ["create", "get", "patch"]))]
})

/** Service account, roles and bindings. */
export const manifests = (kinds: ReadonlyArray<Described>): ReadonlyArray<Manifest> => [
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: serviceAccount, namespace, labels: { [providerLabel]: providerLabelValue } }
  },
  clusterRole(kinds),
  rbac("ClusterRoleBinding", "caps-manager-rolebinding", false, binding("ClusterRole", managerRole)),
  leaderElection,
  rbac("RoleBinding", "caps-leader-election-rolebinding", true, binding("Role", leaderElectionRole))
]
