/** What a machine's life costs in HTTP exchanges with the WinRM listener: created, Ready, deleted, polls and log-on included. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Speed from "../../src/cli/Speed.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at } from "../../src/simulators/kube/KubeJson.ts"
import * as OperatorProcess from "../harness/OperatorProcess.ts"
import { create, eventually, site } from "../scenarios/Site.ts"
import type { Bench } from "./Bench.ts"
import { figure } from "./Bench.ts"

const namespace = "default"
const replicas = { controlPlanes: 3, workers: 3 } as const
const machines = replicas.controlPlanes + replicas.workers

export const machineExchanges: Bench = {
  keys: ["machine.create.exchanges"],
  measure: Effect.gen(function* () {
    const speed = Speed.speed("fast")
    let posts = 0
    const here = yield* site({
      seed: "exchanges",
      speed,
      onWinRm: ({ method }) => {
        if (method === "POST") posts += 1
      }
    })
    const { access, scvmm } = here.world
    const operator = yield* OperatorProcess.start({
      kubeconfig: here.kubeconfig,
      log: path.join(here.folder, "operator.log"),
      flags: ["--vm-transition-period", String(speed.transitionSeconds)]
    })
    for (const { kind, object } of Demo.manifests({ ...here.target, namespace }, replicas)) {
      yield* create(access, namespace, kind, object)
    }
    const limit = Duration.toSeconds(speed.limit)
    yield* eventually(
      "every machine has its Node",
      Effect.map(access.list(Core.Machine, namespace), ({ items }) =>
        items.length === machines && items.every((machine) => at(machine, "status", "nodeRef", "name") !== undefined)
          ? true
          : undefined
      ),
      limit
    )
    yield* access.delete(Core.Cluster, namespace, Demo.clusterName)
    yield* eventually(
      "the cluster is gone",
      Effect.map(access.find(Core.Cluster, namespace, Demo.clusterName), (cluster) =>
        cluster === undefined ? true : undefined
      ),
      limit
    )
    yield* operator.stop
    const left = [...scvmm.state.leftovers(), ...scvmm.state.everDuplicated()]
    if (left.length > 0) return yield* Effect.die(new Error(`left over: ${left.join(", ")}`))
    return { "machine.create.exchanges": figure(posts / machines, "exchanges") }
  }).pipe(Effect.orDie)
}
