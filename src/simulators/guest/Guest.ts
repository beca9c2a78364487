/** What runs inside a simulated VM from power-on to power-off. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** The VM as its guest meets it. */
export interface Hardware {
  readonly vmId: string
  readonly name: string
  /** Bytes of the media in its drives, first DVD first. */
  readonly media: ReadonlyArray<Uint8Array>
  readonly adapters: ReadonlyArray<{ readonly slot: number; readonly macAddress: string; readonly vmNetwork: string }>
  /** What integration services tell the host. */
  readonly report: (facts: {
    readonly computerName?: string
    readonly addresses: ReadonlyArray<{
      readonly slot: number
      readonly ipv4: ReadonlyArray<string>
      readonly ipv6: ReadonlyArray<string>
    }>
  }) => Effect.Effect<void>
}

/** Runs while the VM is powered on; its scope closes at power-off. */
export type Boot = (hardware: Hardware) => Effect.Effect<void, never, Scope.Scope>
