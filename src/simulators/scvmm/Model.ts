/** The state of one simulated SCVMM: plain objects that change synchronously, jobs as fibers that the model owns. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Scope from "effect/Scope"
import type * as Semaphore from "effect/Semaphore"
import type { Boot } from "../guest/Guest.ts"
import * as Entropy from "./Entropy.ts"
import * as Fabric from "./Fabric.ts"
import * as Fault from "./Fault.ts"
import type { Inventory } from "./Inventory.ts"
import type { Job } from "./Job.ts"
import type { Latency } from "./Latency.ts"
import { Library } from "./Library.ts"
import { markerUid } from "./VirtualMachine.ts"
import type { VirtualMachine } from "./VirtualMachine.ts"

export interface TemporaryTemplate {
  readonly name: string
  /** The creation job that reads it: until that ends it cannot be removed. */
  lock: Job | undefined
}

export interface Model {
  readonly fabric: Fabric.Fabric
  readonly latency: Latency
  readonly entropy: Entropy.Entropy
  readonly faults: Fault.Faults
  /** Share of jobs that end SucceedWithInfo. */
  readonly infoRate: number
  readonly boot: Boot
  readonly library: Library
  /** By id. */
  readonly virtualMachines: Map<string, VirtualMachine>
  /** By name; VMM would allow several of one name, our functions make one. */
  readonly templates: Map<string, TemporaryTemplate>
  readonly jobs: Array<Job>
  readonly fibers: Map<string, Fiber.Fiber<void>>
  /** Named mutexes, each on one exec host. */
  readonly mutexes: Map<string, Semaphore.Semaphore>
  /** Calls of our functions, by name. */
  readonly calls: Map<string, number>
  /** Machine UIDs of which two VMs existed at some time. */
  readonly everDuplicated: Set<string>
  /** Ends with the simulation; guests run in children of it. */
  readonly scope: Scope.Scope
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Forks into the model's scope: what runs there survives the session that began it. */
  readonly run: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  /** Dies when something that the model runs dies. */
  readonly failed: Effect.Effect<never>
}

export interface Options {
  readonly inventory: Inventory
  readonly latency: Latency
  readonly seed: string | number
  readonly boot: Boot
  readonly faults: ReadonlyArray<Fault.Fault>
  readonly infoRate: number
}

export const make = (options: Options): Effect.Effect<Model, never, Scope.Scope> =>
  Effect.gen(function* () {
    const entropy = yield* Entropy.make(options.seed)
    const clock = yield* Clock.Clock
    const scope = yield* Scope.Scope
    const running = yield* FiberSet.make<void>()
    const run = yield* FiberSet.runtime(running)<never>()
    return {
      fabric: Fabric.make(options.inventory, entropy),
      latency: options.latency,
      entropy,
      faults: Fault.make(options.faults),
      infoRate: options.infoRate,
      boot: options.boot,
      library: new Library(),
      virtualMachines: new Map<string, VirtualMachine>(),
      templates: new Map<string, TemporaryTemplate>(),
      jobs: [],
      fibers: new Map<string, Fiber.Fiber<void>>(),
      mutexes: new Map<string, Semaphore.Semaphore>(),
      calls: new Map<string, number>(),
      everDuplicated: new Set<string>(),
      scope,
      now: () => clock.currentTimeMillisUnsafe(),
      run: (effect) => run(effect),
      failed: Effect.andThen(Effect.orDie(FiberSet.join(running)), Effect.never)
    }
  })

/** Milliseconds that an act takes this time. */
export const duration = (model: Model, act: keyof Latency): number => {
  const [from, to] = model.latency[act]
  return model.entropy.between(from, to) * 1000
}

export const pause = (model: Model, act: keyof Latency): Effect.Effect<void> =>
  Effect.suspend(() => Effect.sleep(duration(model, act)))

/** Machine UIDs that two or more VMs carry, with the ids of those VMs. */
export const duplicates = (
  model: Model
): ReadonlyArray<{ readonly uid: string; readonly ids: ReadonlyArray<string> }> => {
  const byUid = new Map<string, Array<string>>()
  for (const vm of model.virtualMachines.values()) {
    const uid = markerUid(vm)
    if (uid !== undefined) byUid.set(uid, [...(byUid.get(uid) ?? []), vm.id])
  }
  return [...byUid].filter(([, ids]) => ids.length > 1).map(([uid, ids]) => ({ uid, ids }))
}

/** Puts a VM in, and notes when its machine now has two. */
export const insert = (model: Model, vm: VirtualMachine): void => {
  model.virtualMachines.set(vm.id, vm)
  for (const { uid } of duplicates(model)) model.everDuplicated.add(uid)
}
