/** Which lists of the built-in kinds a strategic merge patch merges, and by which field: the patchMergeKey tags of k8s.io/api. */
import type { Kind } from "./Kind.ts"

/** Field paths (through lists without an index) → merge key; "" for lists of plain values. Other lists are replaced. */
export type MergeKeys = Readonly<Record<string, string>>

const everyKind: MergeKeys = { "metadata.ownerReferences": "uid", "metadata.finalizers": "" }

const containers = (list: string): MergeKeys => ({
  [list]: "name",
  [`${list}.ports`]: "containerPort",
  [`${list}.env`]: "name",
  [`${list}.volumeMounts`]: "mountPath",
  [`${list}.volumeDevices`]: "devicePath"
})

const webhooks: MergeKeys = { webhooks: "name", "webhooks.matchConditions": "name" }

/** By store. */
const ofKinds: Readonly<Record<string, MergeKeys>> = {
  "/namespaces": { "status.conditions": "type" },
  "/nodes": { "spec.podCIDRs": "", "status.addresses": "type", "status.conditions": "type" },
  "/services": { "spec.ports": "port", "status.conditions": "type" },
  "/serviceaccounts": { secrets: "name" },
  "/pods": {
    ...containers("spec.containers"),
    ...containers("spec.initContainers"),
    ...containers("spec.ephemeralContainers"),
    "spec.volumes": "name",
    "spec.imagePullSecrets": "name",
    "spec.hostAliases": "ip",
    "spec.topologySpreadConstraints": "topologyKey",
    "status.conditions": "type"
  },
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhooks,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhooks
}

export const mergeKeys = (kind: Kind): MergeKeys => ({ ...everyKind, ...ofKinds[kind.store] })
