/** What SCVMM was last seen to hold: one batched poll per provider turns changes into keys (design D10). */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as HashMap from "effect/HashMap"
import * as HashSet from "effect/HashSet"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import * as Monotonic from "../Monotonic.ts"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import * as Marker from "../../schemas/vmm/Marker.ts"
import { GetVirtualMachine } from "../../schemas/vmm/Verb.ts"
import type { VirtualMachine } from "../../schemas/vmm/VirtualMachine.ts"
import * as InventoryPoll from "./InventoryPoll.ts"
import * as PollPlan from "./PollPlan.ts"
import type { ScvmmError } from "./ScvmmError.ts"
import { type ProviderConnection, ScvmmSession } from "./ScvmmSession.ts"
import * as Sightings from "./Sightings.ts"

export interface InventoryOptions {
  /** UID of the namespace kube-system: the sweep lists VMs with a marker of this installation. */
  readonly installation: string
  /** Period of the sweep (`--vm-sync-period`); 120 s when absent. */
  readonly restMillis?: number
  /** Period of the poll of VMs in transition (`--vm-transition-period`); 5 s when absent. */
  readonly transitionMillis?: number
}

export class Inventory extends Context.Service<
  Inventory,
  {
    /**
     * The VM as last seen, or as VMM answers now when it was not seen since the last `invalidate`, is not followed, or when
     * the polls have been failing for a while; undefined when VMM has no such VM.
     */
    readonly read: (connection: ProviderConnection, id: string) => Effect.Effect<VirtualMachine | undefined, ScvmmError>
    /** The VM as a mutation of ours left it, undefined when it is gone: the next read gives it. */
    readonly answered: (
      connection: ProviderConnection,
      id: string,
      vm: VirtualMachine | undefined
    ) => Effect.Effect<void>
    /** Forgets what was seen: after a mutation of ours that did not answer what it left. */
    readonly invalidate: (providerUid: string, id: string) => Effect.Effect<void>
    /**
     * Keeps a VM among those polled, for the ScvmmMachine `key`: in transition every 5 s, at rest by the sweep. Calling it
     * again changes the pace. Several may follow one VM: each is told, and the quickest pace counts. A VM that looks the
     * same for ten minutes is polled as one at rest until it changes, is invalidated, or a follower asks for transition
     * that did not before.
     */
    readonly follow: (
      connection: ProviderConnection,
      id: string,
      key: ObjectKey,
      pace: "transition" | "rest"
    ) => Effect.Effect<void>
    /** Ends the interest of `key` alone. */
    readonly unfollow: (providerUid: string, id: string, key: ObjectKey) => Effect.Effect<void>
    /**
     * Of a provider that is gone: ends its polls and drops what was seen and who followed. A later read or follow with a
     * connection to it begins anew.
     */
    readonly forget: (providerUid: string) => Effect.Effect<void>
    /** Keys of ScvmmMachines whose VM was seen to have changed or gone. Fails, as a defect, when a poll loop died. */
    readonly changes: Stream.Stream<ObjectKey>
  }
>()("capscvmm/layers/Inventory") {
  static readonly layer = (options: InventoryOptions): Layer.Layer<Inventory, never, ScvmmSession> =>
    Layer.effect(
      Inventory,
      Effect.suspend(() => make(options))
    )
}

/** One provider. Fields are read and written between two yields only. */
interface View {
  connection: ProviderConnection
  sightings: Sightings.Sightings
  history: PollPlan.History
  /** Opened when the plan may have changed. */
  readonly wake: Latch.Latch
  /** Whether a session is kept for the polls. */
  warm: boolean
  /** The failure that was last told, so that each is told once. */
  told: string | undefined
}

/** Takes over what is known, and wakes the loop when that changes what is polled. */
const take = (view: View, next: Sightings.Sightings): void => {
  const { followed, moving } = view.sightings
  const replan = next.moving !== moving || HashMap.size(next.followed) !== HashMap.size(followed)
  view.sightings = next
  if (replan) view.wake.openUnsafe()
}

/**
 * Expected flow: a reconcile reads, acts, says what its act answered, follows; the provider's loop polls and publishes keys; the
 * reconcile reads what was seen.
 *
 * Guarantees: one poll a provider at a time; none while nothing is followed; an answer to a question older than a
 * mutation is dropped; a VM that vanished from the sweep is asked for by id before it counts as gone.
 *
 * Errors: of a poll are logged when they change, and the poll is repeated with a growing wait.
 */
const make = Effect.fnUntraced(function* (options: InventoryOptions) {
  const session = yield* ScvmmSession
  const loops = yield* FiberMap.make<string, never, never>()
  const home = yield* Effect.context<never>()
  const changes = yield* PubSub.unbounded<ObjectKey>()
  const views = new Map<string, View>()
  const pacing = {
    ...PollPlan.pacing,
    restMillis: options.restMillis ?? PollPlan.pacing.restMillis,
    transitionMillis: options.transitionMillis ?? PollPlan.pacing.transitionMillis
  }
  const markerText = Marker.ofInstallation(options.installation)

  const poll = Effect.fn("Inventory.poll", { root: true })(function* (uid: string, view: View, what: PollPlan.Poll) {
    yield* Effect.annotateCurrentSpan({
      "scvmm.provider": `${view.connection.namespace}/${view.connection.name}`,
      "scvmm.poll": what._tag,
      "scvmm.provider_uid": uid
    })
    const started = yield* Monotonic.millis
    const askedInEpoch = view.sightings.epoch
    const ended = yield* InventoryPoll.ask(session, view.connection, what, {
      markerText,
      followed: view.sightings.followed
    }).pipe(
      Effect.flatMap((vms) => {
        const { sightings, changed } = Sightings.apply(view.sightings, { at: started, askedInEpoch, vms })
        take(view, sightings)
        return PubSub.publishAll(changes, changed)
      }),
      Effect.result
    )
    const failure = ended._tag === "Failure" ? ended.failure : undefined
    const text = failure === undefined ? undefined : `${failure._tag}: ${failure.message}`
    if (text !== view.told) {
      view.told = text
      const provider = `${view.connection.namespace}/${view.connection.name}`
      yield* text === undefined
        ? Effect.logInfo("SCVMM answers again").pipe(Effect.annotateLogs({ provider }))
        : Effect.logWarning("SCVMM cannot be polled").pipe(Effect.annotateLogs({ provider, reason: text }))
    }
    view.history = PollPlan.after(view.history, what, {
      started,
      ended: yield* Monotonic.millis,
      failed: failure !== undefined
    })
  })

  /** Polls of VMs in transition may be further apart than keepAliveSeconds. */
  const keepWarm = Effect.fnUntraced(function* (uid: string, view: View, warm: boolean) {
    if (view.warm === warm) return
    view.warm = warm
    yield* session.keepWarm(uid, warm)
  })

  const loop = Effect.fnUntraced(function* (uid: string, view: View): Effect.fn.Return<never> {
    for (;;) {
      view.wake.closeUnsafe()
      yield* keepWarm(uid, view, HashSet.size(view.sightings.moving) > 0)
      const plan = PollPlan.plan(view.sightings, view.history, pacing)
      if (plan === undefined) {
        yield* view.wake.await
        view.history = PollPlan.begin(yield* Monotonic.millis)
        continue
      }
      const wait = plan.at - (yield* Monotonic.millis)
      if (wait <= 0) yield* poll(uid, view, plan.poll)
      else yield* Effect.raceFirst(Effect.sleep(Duration.millis(wait)), view.wake.await)
    }
  })

  const viewOf = Effect.fnUntraced(function* (connection: ProviderConnection) {
    const now = yield* Monotonic.millis
    const view: View = views.get(connection.uid) ?? {
      connection,
      sightings: Sightings.empty,
      history: PollPlan.begin(now),
      wake: Latch.makeUnsafe(),
      warm: false,
      told: undefined
    }
    view.connection = connection
    views.set(connection.uid, view)
    if (FiberMap.hasUnsafe(loops, connection.uid)) return view
    // In the layer's own context: else every poll would log and trace as the reconcile that happened to be first.
    const detached = Effect.setContext(loop(connection.uid, view), home)
    yield* FiberMap.run(loops, connection.uid, detached, { onlyIfMissing: true })
    return view
  })

  /** A sighting that a poll should have renewed thrice says nothing any more. */
  const current = (known: Sightings.Followed | undefined, now: number): Sightings.Sighting | undefined => {
    if (known?.sighting === undefined) return undefined
    const period = known.pace === "transition" ? pacing.transitionMillis : pacing.restMillis
    return now - known.sighting.at <= 3 * period ? known.sighting : undefined
  }

  return Inventory.of({
    read: Effect.fn("Inventory.read")(function* (connection, id) {
      const view = yield* viewOf(connection)
      const at = yield* Monotonic.millis
      const seen = current(Sightings.get(view.sightings, InventoryPoll.normal(id)), at)
      if (seen !== undefined) return seen.vm
      const askedInEpoch = view.sightings.epoch
      const vm = yield* session
        .run(connection, GetVirtualMachine, { Id: id })
        .pipe(Effect.catchTag("ScvmmVirtualMachineNotFound", () => Effect.succeed(undefined)))
      const { sightings, changed } = Sightings.learn(view.sightings, InventoryPoll.normal(id), { vm, at }, askedInEpoch)
      take(view, sightings)
      yield* PubSub.publishAll(changes, changed)
      return vm
    }),
    answered: Effect.fnUntraced(function* (connection, id, vm) {
      const view = yield* viewOf(connection)
      const at = yield* Monotonic.millis
      take(view, Sightings.answered(view.sightings, InventoryPoll.normal(id), { vm, at }))
    }),
    invalidate: (providerUid, id) =>
      Effect.sync(() => {
        const view = views.get(providerUid)
        if (view !== undefined) take(view, Sightings.invalidate(view.sightings, InventoryPoll.normal(id)))
      }),
    follow: Effect.fnUntraced(function* (connection, id, key, pace) {
      const view = yield* viewOf(connection)
      take(view, Sightings.follow(view.sightings, InventoryPoll.normal(id), key, pace))
    }),
    unfollow: (providerUid, id, key) =>
      Effect.sync(() => {
        const view = views.get(providerUid)
        if (view !== undefined) take(view, Sightings.unfollow(view.sightings, InventoryPoll.normal(id), key))
      }),
    forget: (providerUid) =>
      Effect.suspend(() => {
        views.delete(providerUid)
        return Effect.andThen(FiberMap.remove(loops, providerUid), session.keepWarm(providerUid, false))
      }),
    changes: Stream.fromPubSub(changes).pipe(Stream.merge(Stream.fromEffectDrain(FiberMap.join(loops))))
  })
})
