/** What every step of a machine's reconcile works with. */
import type { ScvmmMachine } from "../../../schemas/scvmm/ScvmmMachine.ts"
import { quarters } from "../../../schemas/vmm/Job.ts"
import type { VirtualMachine } from "../../../schemas/vmm/VirtualMachine.ts"
import type { KubeError } from "../../../layers/kube/KubeError.ts"
import type { ScvmmError } from "../../../layers/scvmm/ScvmmError.ts"
import type { ProviderConnection } from "../../../layers/scvmm/ScvmmSession.ts"
import type { Calls } from "../../runtime/Calls.ts"
import type { Attempts } from "./Attempts.ts"
import type { Endings } from "./Endings.ts"
import type { Surroundings } from "./Gate.ts"
import type { Placement } from "./Placement.ts"
import type { SeedInvalid } from "./SeedCall.ts"

export type CallError = ScvmmError | KubeError | SeedInvalid

/** Kept for as long as the operator runs. */
export interface Workshop {
  /** UID of the namespace kube-system. */
  readonly installation: string
  readonly calls: Calls<VirtualMachine, CallError>
  readonly attempts: Attempts
  readonly endings: Endings
}

/** One reconcile's view. */
export interface MachineContext {
  readonly workshop: Workshop
  readonly around: Surroundings
  readonly machine: ScvmmMachine
  readonly placement: Placement
  readonly connection: ProviderConnection
}

/** Keeps how far a tracked call is, in steps of 25 %: each is a write. */
export const reporting = ({ machine, workshop }: MachineContext, call: "create" | "seed") => ({
  onProgress: (percent: number) => workshop.calls.progressed(callKey(machine, call), quarters({ Progress: percent }))
})

export const callKey = (machine: ScvmmMachine, call: "create" | "seed"): string => `${machine.metadata.uid}/${call}`
