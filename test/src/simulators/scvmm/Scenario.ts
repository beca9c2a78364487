/** What the tests of the SCVMM model share: machines, requests and the passing of virtual time. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { render } from "../../../../schemas/vmm/Marker.ts"
import type { NewVirtualMachine, Verb } from "../../../../schemas/vmm/Verb.ts"

type ParametersOf<V> = V extends Verb<infer P, infer _> ? P : never
export type Request = ParametersOf<typeof NewVirtualMachine>

export const uid = (n: number): string => `11111111-1111-4111-8111-${String(n).padStart(12, "0")}`

export const marker = (n: number): string =>
  render({
    installation: "22222222-2222-4222-8222-222222222222",
    namespace: "default",
    name: `machine-${n}`,
    uid: uid(n)
  })

/** A request for machine n, as the operator sends it. */
export const request = (n: number, change: Partial<Request> = {}): Request => ({
  Name: `machine-${n}`,
  Marker: marker(n),
  MachineUid: uid(n),
  CommitWithinSeconds: 120,
  Cloud: "Production",
  HostGroup: "Production",
  HardwareProfile: "kubernetes-gen2",
  CPUCount: 2,
  MemoryMB: 2048,
  Disks: [
    { SizeMB: 0, Dynamic: true, VHDisk: "ubuntu-24.04" },
    { SizeMB: 20480, Dynamic: true }
  ],
  NetworkDevices: [{ VMNetwork: "kubernetes" }],
  FibreChannel: [],
  ...change
})

/** Lets virtual time pass, second by second, until the effect has ended. */
export const elapse = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    for (let seconds = 0; seconds < 3600 && fiber.pollUnsafe() === undefined; seconds += 1) {
      yield* TestClock.adjust(Duration.seconds(1))
    }
    return yield* Fiber.join(fiber)
  })
