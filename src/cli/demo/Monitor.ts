/** The one loop that looks at Kubernetes and SCVMM while the demo runs: it feeds the screen, and steps wait on it. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import type { World } from "../../simulators/World.ts"
import * as Core from "../../simulators/capi/CoreApi.ts"
import type { ResourceName } from "../../simulators/kube/Access.ts"
import type { Screen } from "./Screen.ts"
import type { Snapshot } from "./Snapshot.ts"
import * as Snapshots from "./Snapshot.ts"
import type { State, Step } from "./View.ts"

const interval = "200 millis"

export interface Monitor {
  /** Looks, shows, and looks again, for ever. */
  readonly run: Effect.Effect<never>
  /** Looks, and shows nothing. */
  readonly look: Effect.Effect<Snapshot>
  /** Looks and shows once: for what changed since the last time. */
  readonly refresh: Effect.Effect<void>
  /** A step on the screen for as long as `effect` runs; one that fails stays there without an end. */
  readonly step: <A, E, R>(title: string, effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Waits for a snapshot that pleases; the last one taken counts. */
  readonly until: (pleases: (snapshot: Snapshot) => boolean) => Effect.Effect<void>
  readonly state: Effect.Effect<State>
  /** Milliseconds since the demo began. */
  readonly elapsed: Effect.Effect<number>
}

const observe = Effect.fnUntraced(function* (world: World) {
  const list = (kind: ResourceName) => Effect.map(world.access.list(kind, ""), ({ items }) => items)
  return Snapshots.take({
    clusters: yield* list(Core.Cluster),
    machines: yield* list(Core.Machine),
    scvmmMachines: yield* list(Core.ScvmmMachine),
    virtualMachines: world.scvmm.state.virtualMachines()
  })
})

export const make = Effect.fnUntraced(function* (world: World, screen: Screen) {
  const began = yield* Clock.currentTimeMillis
  const elapsed = Effect.map(Clock.currentTimeMillis, (now) => now - began)
  const ref = yield* SubscriptionRef.make<State>({
    elapsed: 0,
    steps: [],
    snapshot: Snapshots.empty,
    calls: 0,
    exchanges: 0
  })

  const look = Effect.orDie(observe(world))

  const refresh = Effect.gen(function* () {
    const seen = {
      snapshot: yield* look,
      elapsed: yield* elapsed,
      calls: [...world.scvmm.state.calls().values()].reduce((sum, count) => sum + count, 0),
      exchanges: yield* world.winrm.exchanges
    }
    yield* SubscriptionRef.update(ref, (state) => ({ ...state, ...seen }))
    yield* screen.show(yield* SubscriptionRef.get(ref))
  }).pipe(Effect.orDie)

  const changeSteps = (change: (steps: ReadonlyArray<Step>) => ReadonlyArray<Step>) =>
    SubscriptionRef.update(ref, (state) => ({ ...state, steps: change(state.steps) }))

  const monitor: Monitor = {
    run: Effect.forever(Effect.andThen(refresh, Effect.sleep(interval))),
    look,
    refresh,
    step: (title, effect) =>
      Effect.gen(function* () {
        const startedAt = yield* elapsed
        const index = (yield* SubscriptionRef.get(ref)).steps.length
        yield* changeSteps((steps) => [...steps, { title, startedAt, endedAt: undefined }])
        const result = yield* effect
        const endedAt = yield* elapsed
        yield* changeSteps((steps) => steps.map((step, i) => (i === index ? { ...step, endedAt } : step)))
        return result
      }),
    until: (pleases) =>
      SubscriptionRef.changes(ref).pipe(
        Stream.filter(({ snapshot }) => pleases(snapshot)),
        Stream.runHead,
        Effect.asVoid
      ),
    state: SubscriptionRef.get(ref),
    elapsed
  }
  return monitor
})
