/** One question about a provider's VMs: by their ids, or by the marker of this installation. */
import * as Effect from "effect/Effect"
import * as HashMap from "effect/HashMap"
import { GetVirtualMachineList } from "../../schemas/vmm/Verb.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"
import type * as PollPlan from "./PollPlan.ts"
import type { ScvmmError } from "./ScvmmError.ts"
import type { ProviderConnection, ScvmmSession } from "./ScvmmSession.ts"
import type { Sightings } from "./Sightings.ts"

/** By id; undefined for one that VMM does not have. */
export type Answer = ReadonlyMap<string, VirtualMachine | undefined>

export interface Interest {
  readonly markerText: string
  readonly followed: Sightings["followed"]
}

/** VMM's ids are GUIDs: compared without regard to case. */
export const normal = (id: string): string => id.toLowerCase()

const collect = (
  vms: Map<string, VirtualMachine | undefined>,
  pages: ReadonlyArray<{
    readonly VirtualMachines: ReadonlyArray<VirtualMachine>
    readonly Missing: ReadonlyArray<string>
  }>
): void => {
  for (const page of pages) {
    for (const id of page.Missing) vms.set(normal(id), undefined)
    for (const vm of page.VirtualMachines) vms.set(normal(vm.Id), vm)
  }
}

/** A VM that is followed and that the marker does not find is asked for by id before it counts as gone. */
export const ask = (
  session: Pick<ScvmmSession["Service"], "runAll">,
  connection: ProviderConnection,
  poll: PollPlan.Poll,
  { markerText, followed }: Interest
): Effect.Effect<Answer, ScvmmError> =>
  Effect.gen(function* () {
    const vms = new Map<string, VirtualMachine | undefined>()
    if (poll._tag !== "Ids")
      collect(vms, yield* session.runAll(connection, GetVirtualMachineList, { MarkerText: markerText }))
    const ids = poll._tag === "Ids" ? poll.ids : [...HashMap.keys(followed)].filter((id) => !vms.has(id))
    if (ids.length > 0) collect(vms, yield* session.runAll(connection, GetVirtualMachineList, { Ids: ids }))
    return vms
  })
