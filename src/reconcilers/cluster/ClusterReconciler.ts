/** The control loop of ScvmmCluster: publishes failure domains, and keeps the object until its machines are gone. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { Cluster } from "../../../schemas/capi/Cluster.ts"
import { keyOf, type ObjectKey } from "../../../schemas/kube/ObjectMeta.ts"
import { ScvmmCluster } from "../../../schemas/scvmm/ScvmmCluster.ts"
import { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import * as Action from "../../runtime/Action.ts"
import * as Controller from "../../runtime/Controller.ts"
import * as Finalizer from "../../runtime/Finalizer.ts"
import { Informers } from "../../runtime/Informers.ts"
import * as Status from "../../runtime/Status.ts"
import * as Triggers from "../../runtime/Triggers.ts"
import {
  clusterNameOf,
  comparand,
  endpointOf,
  failureDomains,
  holding,
  ownerName,
  paused,
  plan,
  published,
  waiting
} from "./ClusterPlan.ts"

const byCluster = "cluster"
const byName = "clusterName"

/** Machines that cannot be read tell nothing when they go. */
const lookAgain = Action.requeueAfter(Duration.seconds(30))

export const make = Effect.fnUntraced(function* (options: { readonly concurrency: number }) {
  const informers = yield* Informers
  const path = (namespace: string | undefined, name: string) => `${namespace ?? ""}/${name}`
  const store = yield* informers.store(ScvmmCluster, {
    [byName]: (object) => {
      const name = clusterNameOf(object)
      return name === undefined ? [] : [path(object.metadata.namespace, name)]
    }
  })
  const clusters = yield* informers.store(Cluster)
  const machines = yield* informers.store(ScvmmMachine, {
    [byCluster]: (machine) => {
      const name = machine.metadata.labels?.[Contract.clusterNameLabel]
      return name === undefined ? [] : [path(machine.metadata.namespace, name)]
    }
  })

  const reconcile = Effect.fn("ClusterReconciler.reconcile")(function* (key: ObjectKey) {
    const scvmmCluster = store.get(key)
    if (scvmmCluster === undefined) return Action.done
    const clusterName = clusterNameOf(scvmmCluster)
    const cluster =
      clusterName === undefined ? undefined : clusters.get({ namespace: key.namespace, name: clusterName })
    const unreadable = machines
      .unreadable()
      .filter(({ namespace }) => namespace === key.namespace)
      .map(({ name }) => name)
    const own =
      clusterName === undefined
        ? []
        : machines.byIndex(byCluster, path(key.namespace, clusterName)).map((machine) => machine.metadata.name)
    const step = plan({
      scvmmCluster,
      owned: ownerName(scvmmCluster) !== undefined,
      cluster,
      machines: holding(own, unreadable)
    })
    switch (step._tag) {
      case "Ignore":
        return Action.done
      case "Paused":
        yield* Status.write(ScvmmCluster, scvmmCluster, { findings: [paused(step.message)] })
        return Action.done
      case "AddFinalizer":
        // The write comes back as an event, and that reconcile publishes.
        yield* Finalizer.add(ScvmmCluster, scvmmCluster, Contract.clusterFinalizer)
        return Action.done
      case "Publish": {
        const domains = failureDomains(scvmmCluster.spec)
        yield* Status.write(ScvmmCluster, comparand(scvmmCluster), {
          fields: { initialization: { provisioned: true }, failureDomains: domains.length === 0 ? undefined : domains },
          findings: published(endpointOf({ scvmmCluster, cluster }))
        })
        return Action.done
      }
      case "AwaitMachines":
        yield* Status.write(ScvmmCluster, scvmmCluster, { findings: waiting(step.names) })
        return unreadable.length > 0 ? lookAgain : Action.done
      case "Release":
        yield* Finalizer.remove(ScvmmCluster, scvmmCluster, Contract.clusterFinalizer)
        return Action.done
    }
  })

  const ofCluster = (namespace: string | undefined, name: string): ReadonlyArray<ObjectKey> =>
    store.byIndex(byName, path(namespace, name)).map(keyOf)

  return Controller.make({
    name: "scvmmcluster",
    resource: ScvmmCluster,
    concurrency: options.concurrency,
    reconcile,
    triggers: [
      Triggers.self(ScvmmCluster),
      Triggers.mapped(Cluster, (cluster) => ofCluster(cluster.metadata.namespace, cluster.metadata.name)),
      Triggers.mapped(ScvmmMachine, (machine) => {
        const name = machine.metadata.labels?.[Contract.clusterNameLabel]
        return name === undefined ? [] : ofCluster(machine.metadata.namespace, name)
      })
    ]
  })
})
