/** Clones machines from templates: the part of MachineSet and KubeadmControlPlane that makes and removes replicas. */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { KubeJson } from "../kube/KubeJson.ts"
import { at, text, textMap } from "../kube/KubeJson.ts"
import * as Core from "./CoreApi.ts"
import { hasNode, isDeleting, machineFinalizer } from "./Machines.ts"

export interface ReplicaSet {
  /** What owns the machines. */
  readonly kind: Core.Kind
  readonly owner: KubeJson
  readonly clusterName: string
  readonly replicas: number
  readonly template: string
  readonly version: string
  readonly failureDomain: string | undefined
  readonly labels: Readonly<Record<string, string>>
  /** One machine after the other, each with its Node first: a control plane. */
  readonly serial: boolean
}

const alphabet = "bcdfghjklmnpqrstvwxz2456789"

const suffix = Effect.map(
  Effect.forEach([1, 2, 3, 4, 5], () => Random.nextIntBetween(0, alphabet.length)),
  (picks) => picks.map((pick) => alphabet[pick] ?? "").join("")
)

/** Infrastructure object first, then the Machine, as Cluster API does; the clone carries where it came from. */
const clone = Effect.fnUntraced(function* (api: Core.CoreApi, set: ReplicaSet) {
  const namespace = text(set.owner, "metadata", "namespace")
  const template = yield* api.get(Core.ScvmmMachineTemplate, namespace, set.template)
  if (template === undefined) return
  const name = `${text(set.owner, "metadata", "name")}-${yield* suffix}`
  const labels = { ...set.labels, [Core.clusterLabel]: set.clusterName }
  const inner = at(template, "spec", "template", "metadata")
  yield* api.create(Core.ScvmmMachine, namespace, {
    metadata: {
      name,
      labels: { ...textMap(inner, "labels"), ...labels },
      annotations: {
        ...textMap(inner, "annotations"),
        "cluster.x-k8s.io/cloned-from-name": set.template,
        "cluster.x-k8s.io/cloned-from-groupkind": `${Core.ScvmmMachineTemplate.kind}.${Core.ScvmmMachineTemplate.group}`
      },
      ownerReferences: [Core.ownedBy(set.kind, set.owner, false)]
    },
    spec: at(template, "spec", "template", "spec") ?? {}
  })
  yield* api.create(Core.Machine, namespace, {
    metadata: {
      name,
      labels,
      finalizers: [machineFinalizer],
      ownerReferences: [Core.ownedBy(set.kind, set.owner, true)]
    },
    spec: {
      clusterName: set.clusterName,
      version: set.version,
      bootstrap: {},
      infrastructureRef: { apiGroup: Core.ScvmmMachine.group, kind: Core.ScvmmMachine.kind, name },
      ...(set.failureDomain !== undefined && { failureDomain: set.failureDomain })
    }
  })
})

/** The machine to remove first: one without a Node, then the youngest. */
const victim = (machines: ReadonlyArray<KubeJson>): KubeJson | undefined =>
  machines.toSorted(
    (a, b) =>
      Number(hasNode(a)) - Number(hasNode(b)) ||
      text(b, "metadata", "creationTimestamp").localeCompare(text(a, "metadata", "creationTimestamp"))
  )[0]

/** Makes or removes machines until there are as many as wanted; `machines` are those of this set. */
export const reconcileReplicas = Effect.fnUntraced(function* (
  api: Core.CoreApi,
  set: ReplicaSet,
  machines: ReadonlyArray<KubeJson>
) {
  const alive = machines.filter((machine) => !isDeleting(machine))
  const missing = set.replicas - alive.length
  if (missing > 0) {
    if (set.serial && alive.some((machine) => !hasNode(machine))) return
    yield* Effect.forEach(Array.from({ length: set.serial ? 1 : missing }), () => clone(api, set), { discard: true })
    return
  }
  let rest = alive
  for (let surplus = -missing; surplus > 0; surplus--) {
    const machine = victim(rest)
    if (machine === undefined) return
    rest = rest.filter((other) => other !== machine)
    yield* api.remove(Core.Machine, text(machine, "metadata", "namespace"), text(machine, "metadata", "name"))
  }
})
