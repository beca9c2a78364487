/** What a deleted cluster must not leave behind, looked for everywhere. */
import * as Effect from "effect/Effect"
import * as Contract from "../../../schemas/capi/Contract.ts"
import { kinds } from "../../../schemas/scvmm/Kinds.ts"
import type { World } from "../../simulators/World.ts"
import * as Core from "../../simulators/capi/CoreApi.ts"
import type { ResourceName } from "../../simulators/kube/Access.ts"
import { strings, text } from "../../simulators/kube/KubeJson.ts"

/** A provider outlives its clusters and keeps its own. */
const finalizers = new Set<string>([
  Contract.machineFinalizer,
  Contract.clusterFinalizer,
  Contract.persistentDiskFinalizer,
  Contract.ipAddressClaimFinalizer
])

/** Kinds that the operator writes a finalizer to. */
const held: ReadonlyArray<ResourceName & { readonly kind: string }> = [...kinds, Core.Secret]

/**
 * By kind and name: VMs, media, temporary files and templates; open shells; objects with our finalizer; Nodes. Shells of a killed
 * process are none: nobody can close them but WinRM, when they were idle for their IdleTimeOut.
 */
export const find = Effect.fn("Leftovers.find")(function* (
  world: World,
  endpoint: string,
  abandoned: ReadonlyArray<string>
) {
  const shells = (yield* world.winrm.shells)
    .filter(({ shellId, pipelinesRunning }) => !abandoned.includes(shellId) || pipelinesRunning > 0)
    .map(({ shellId }) => `open shell ${shellId}`)
  const objects = yield* Effect.forEach(held, (kind) =>
    Effect.map(world.access.list(kind, ""), ({ items }) =>
      items
        .filter((item) => strings(item, "metadata", "finalizers").some((finalizer) => finalizers.has(finalizer)))
        .map((item) => `${kind.kind} ${text(item, "metadata", "name")} with a finalizer`)
    )
  )
  const workload = world.workloads.find(endpoint)
  const nodes = workload === undefined ? [] : (yield* workload.access.list(Core.Node, "")).items
  return [
    ...world.scvmm.state.leftovers(),
    ...shells,
    ...objects.flat(),
    ...nodes.map((node) => `Node ${text(node, "metadata", "name")}`)
  ]
})
