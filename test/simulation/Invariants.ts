/** What must hold in a universe at every moment, at rest, and when all is over. */
import * as Effect from "effect/Effect"
import { ScvmmMachine } from "../../schemas/scvmm/ScvmmMachine.ts"
import * as ProviderId from "../../schemas/scvmm/ProviderId.ts"
import * as Leftovers from "../../src/cli/demo/Leftovers.ts"
import * as Demo from "../../src/cli/demo/DemoCluster.ts"
import * as Core from "../../src/simulators/capi/CoreApi.ts"
import { at, text, type KubeJson } from "../../src/simulators/kube/KubeJson.ts"
import { condition } from "./Lives.ts"
import type { Universe } from "./Universe.ts"

export interface Watch {
  /** What was broken so far, in words, with its virtual time. */
  readonly violations: () => ReadonlyArray<string>
  /** Adds what is broken now that all should be over. */
  readonly atTheEnd: Effect.Effect<void>
}

const store = `${ScvmmMachine.group}/${ScvmmMachine.plural}`

/** What an ScvmmMachine says of its VM, and is not so. */
const untruths = (universe: Universe, object: KubeJson): ReadonlyArray<string> => {
  const found: Array<string> = []
  const name = text(object, "metadata", "name")
  const id = text(object, "spec", "id")
  const vm = universe.world.scvmm.state.virtualMachines().find((candidate) => candidate.Id === id)
  const providerId = text(object, "spec", "providerID")
  const provisioned = at(object, "status", "initialization", "provisioned") === true
  if (at(object, "metadata", "deletionTimestamp") === undefined) {
    if (id !== "" && vm === undefined) found.push(`${name}: spec.id ${id} is no VM`)
    if (provisioned && vm === undefined) found.push(`${name} is provisioned without a VM`)
    if (provisioned && providerId === "") found.push(`${name} is provisioned without a providerID`)
    if (condition(object, "Ready") === "True" && vm?.VirtualMachineState !== "Running") {
      found.push(`${name} is Ready and its VM is ${vm?.VirtualMachineState ?? "not there"}`)
    }
  }
  if (providerId !== "" && vm?.VMId !== undefined && providerId !== ProviderId.render(vm.VMId)) {
    found.push(`${name}: ${providerId} is not of the VM ${vm.VMId}`)
  }
  return found
}

/** Looks on from now to the end of the universe. */
export const watch = (universe: Universe): Watch => {
  const { kubernetes, timeline, world } = universe
  const broken = new Set<string>()
  const note = (what: string): void => {
    broken.add(`${timeline.stamp()} ${what}`)
  }
  const doubles = new Set<string>()
  const lookForDoubles = (): void => {
    for (const uid of world.scvmm.state.everDuplicated()) {
      if (doubles.has(uid)) continue
      doubles.add(uid)
      note(`two VMs carried the marker of machine ${uid}`)
    }
  }
  kubernetes.follow((change) => {
    lookForDoubles()
    if (change.store !== store) return
    if (change.type !== "DELETED") for (const untruth of untruths(universe, change.object)) note(untruth)
    else {
      const name = text(change.object, "metadata", "name")
      const id = text(change.object, "spec", "id")
      if (world.scvmm.state.virtualMachines().some((vm) => vm.Id === id || vm.Name === name)) {
        note(`${name} is gone while its VM is there`)
      }
    }
  })
  return {
    violations: () => {
      lookForDoubles()
      return [...broken]
    },
    atTheEnd: Effect.gen(function* () {
      const endpoint = `${Demo.endpoint.host}:${Demo.endpoint.port}`
      for (const leftover of yield* Effect.orDie(Leftovers.find(world, endpoint, []))) {
        note(`left: ${leftover}`)
      }
      for (const { shellId } of yield* universe.shells) note(`left: shell ${shellId}`)
      for (const job of world.scvmm.state.jobs()) {
        if (job.Status === "Running") note(`left: job ${job.Name} runs`)
      }
      for (const kind of [Core.ScvmmMachine, Core.ScvmmCluster, Core.Machine, Core.Cluster]) {
        for (const object of (yield* Effect.orDie(world.access.list(kind, ""))).items) {
          note(`left: ${kind.kind} ${text(object, "metadata", "name")}`)
        }
      }
    })
  }
}
