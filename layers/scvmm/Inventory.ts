/** What SCVMM was last seen to hold: one batched poll per provider turns changes into keys (design D10). */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"
import type { ScvmmError } from "./ScvmmError.ts"
import type { ProviderConnection } from "./ScvmmSession.ts"

export class Inventory extends Context.Service<
  Inventory,
  {
    /**
     * The VM as last seen, or as VMM answers now when it was not seen since the last `invalidate`; undefined when VMM
     * has no such VM.
     */
    readonly read: (connection: ProviderConnection, id: string) => Effect.Effect<VirtualMachine | undefined, ScvmmError>
    /** Forgets what was seen: after every mutation of ours. */
    readonly invalidate: (providerUid: string, id: string) => Effect.Effect<void>
    /**
     * Keeps a VM among those polled, for the ScvmmMachine `key`: in transition every 5 s, at rest by the sweep. Calling it
     * again changes the pace.
     */
    readonly follow: (
      connection: ProviderConnection,
      id: string,
      key: ObjectKey,
      pace: "transition" | "rest"
    ) => Effect.Effect<void>
    readonly unfollow: (providerUid: string, id: string) => Effect.Effect<void>
    /** Keys of ScvmmMachines whose VM was seen to have changed or gone. */
    readonly changes: Stream.Stream<ObjectKey>
  }
>()("capscvmm/layers/Inventory") {}
