/** The control loop of ScvmmMachine: look, decide by Plan, take one step, tell by conditions. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { keyOf, type ObjectKey, ownerOf } from "../../../schemas/kube/ObjectMeta.ts"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { Cluster } from "../../../schemas/capi/Cluster.ts"
import { Machine } from "../../../schemas/capi/Machine.ts"
import { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import { Inventory } from "../../../layers/scvmm/Inventory.ts"
import { Providers } from "../../../layers/scvmm/Providers.ts"
import * as Action from "../../runtime/Action.ts"
import * as Calls from "../../runtime/Calls.ts"
import * as Controller from "../../runtime/Controller.ts"
import * as Finalizer from "../../runtime/Finalizer.ts"
import { Informers } from "../../runtime/Informers.ts"
import * as Priority from "../../runtime/Priority.ts"
import * as Status from "../../runtime/Status.ts"
import * as Triggers from "../../runtime/Triggers.ts"
import { providersOf, referenceText } from "../ProviderReferences.ts"
import * as Attempts from "./Attempts.ts"
import * as Endings from "./Endings.ts"
import { notPaused, paused } from "./Conditions.ts"
import type { Surroundings } from "./Gate.ts"
import { decide } from "./Gate.ts"
import type { CallError, Workshop } from "./MachineContext.ts"
import { reconcileOpen } from "./OpenMachine.ts"

const byProvider = "provider"
const byCluster = "cluster"

export interface Options {
  /** UID of the namespace kube-system: whose VMs these are. */
  readonly installation: string
  readonly concurrency: number
}

/**
 * Expected flow: Gate decides whether the machine may be touched at all; OpenMachine observes, plans and takes one step.
 * Guarantees and assumptions: those of Gate.decide and Plan.plan.
 */
export const make = Effect.fnUntraced(function* (options: Options) {
  const informers = yield* Informers
  const inventory = yield* Inventory
  const providers = yield* Providers
  const machines = yield* informers.store(ScvmmMachine, {
    [byProvider]: (machine) => providersOf(machine).map(referenceText),
    [byCluster]: (machine) => {
      const cluster = machine.metadata.labels?.[Contract.clusterNameLabel]
      return cluster === undefined ? [] : [`${machine.metadata.namespace ?? ""}/${cluster}`]
    }
  })
  const owners = yield* informers.store(Machine)
  const clusters = yield* informers.store(Cluster)
  const scvmmClusters = yield* informers.store(ScvmmCluster, {
    [byProvider]: ({ spec: { providerRef } }) => (providerRef === undefined ? [] : [referenceText(providerRef)])
  })
  const workshop: Workshop = {
    installation: options.installation,
    calls: yield* Calls.make<VirtualMachine, CallError>(),
    attempts: Attempts.make(),
    endings: Endings.make()
  }

  const surroundings = (machine: ScvmmMachine): Surroundings => {
    const namespace = machine.metadata.namespace ?? ""
    const reference = ownerOf(machine.metadata, Contract.clusterGroup, "Machine")
    const owner = reference === undefined ? undefined : owners.get({ namespace, name: reference.name })
    const clusterName = owner?.spec.clusterName ?? machine.metadata.labels?.[Contract.clusterNameLabel]
    const cluster = clusterName === undefined ? undefined : clusters.get({ namespace, name: clusterName })
    const infrastructure = cluster?.spec.infrastructureRef?.name
    const scvmmCluster =
      infrastructure === undefined ? undefined : scvmmClusters.get({ namespace, name: infrastructure })
    return { machine, owner, cluster, scvmmCluster }
  }

  const reconcile = Effect.fnUntraced(function* (key: ObjectKey) {
    const machine = machines.get(key)
    if (machine === undefined) return Action.done
    const around = surroundings(machine)
    const gate = decide(around)
    switch (gate._tag) {
      case "Ignore":
        return Action.done
      case "Paused":
        yield* Status.write(ScvmmMachine, machine, { findings: [paused(gate.message)] })
        return Action.done
      case "Release":
        yield* Finalizer.remove(ScvmmMachine, machine, Contract.machineFinalizer)
        return Action.done
      case "Open":
        return yield* reconcileOpen(workshop, around, notPaused)
    }
  })

  const keysOf = (index: string, value: string): ReadonlyArray<ObjectKey> => machines.byIndex(index, value).map(keyOf)
  const ofCluster = (namespace: string | undefined, name: string) => keysOf(byCluster, `${namespace ?? ""}/${name}`)
  const ofScvmmCluster = ({ metadata }: ScvmmCluster): ReadonlyArray<ObjectKey> => {
    const name =
      ownerOf(metadata, Contract.clusterGroup, "Cluster")?.name ?? metadata.labels?.[Contract.clusterNameLabel]
    return name === undefined ? [] : ofCluster(metadata.namespace, name)
  }
  /** Those that name it, and those whose ScvmmCluster does: the latter may not have resolved theirs yet. */
  const ofProvider = (provider: ObjectKey): ReadonlyArray<ObjectKey> => [
    ...keysOf(byProvider, referenceText(provider)),
    ...scvmmClusters.byIndex(byProvider, referenceText(provider)).flatMap(ofScvmmCluster)
  ]

  return Controller.make({
    name: "scvmmmachine",
    resource: ScvmmMachine,
    concurrency: options.concurrency,
    timeout: Duration.minutes(2),
    reconcile,
    triggers: [
      Triggers.self(ScvmmMachine),
      Triggers.mapped(Machine, (machine) =>
        machine.spec.infrastructureRef?.kind === "ScvmmMachine"
          ? [{ namespace: machine.metadata.namespace ?? "", name: machine.spec.infrastructureRef.name }]
          : []
      ),
      Triggers.mapped(Cluster, (cluster) => ofCluster(cluster.metadata.namespace, cluster.metadata.name)),
      Triggers.mapped(ScvmmCluster, ofScvmmCluster),
      // Not the objects: of a provider only its connection is of interest, and with its checks its status changes often.
      Triggers.external(
        Stream.flattenIterable(Stream.map(providers.changes, ofProvider)),
        "connection of the provider changed"
      ),
      Triggers.external(inventory.changes, "virtual machine changed"),
      Triggers.external(workshop.calls.changes, "call ended", Priority.normal)
    ]
  })
})
