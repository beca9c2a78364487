/** One shared watch per kind, whoever asks for it: feeds a Store, then tells those who subscribed. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import type { KubeClient, ListOptions } from "../../layers/kube/KubeClient.ts"
import type { Watch } from "../../layers/kube/Watcher.ts"
import * as Watcher from "../../layers/kube/Watcher.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../schemas/kube/Watch.ts"
import { keyText } from "./Request.ts"
import * as RuntimeMetrics from "./RuntimeMetrics.ts"
import type { Change, Indexes, Store, Writer } from "./Store.ts"
import * as Stores from "./Store.ts"

export type Listener<A extends KubeObject> = (change: Change<A>) => Effect.Effect<void>

/** A kind by name. */
export type Kind = Pick<Resource<KubeObject>, "group" | "kind">

/** Which objects of a kind are watched. */
export type Selection = (kind: Kind) => ListOptions

const everything: Selection = () => ({})

interface Informer<A extends KubeObject> {
  readonly name: string
  readonly writer: Writer<A>
  readonly listeners: Set<Listener<A>>
}

/**
 * ## Expected flow
 * Reconcilers ask for stores when they are made, triggers subscribe when the Manager starts; the first who names a kind starts
 * its watch.
 *
 * ## Guarantees
 * - One watch per descriptor; a kind has one descriptor.
 * - A store holds a change before any listener hears of it. A listener that comes late first hears of every object there is.
 * - An object that cannot be read is logged and counted once, not at every relisting.
 *
 * ## Assumptions
 * Listeners are quick: they hold up the watch of their kind.
 */
export class Informers extends Context.Service<
  Informers,
  {
    /** The store of that kind. An index name means one function: the first that was given. */
    readonly store: <A extends KubeObject>(resource: Resource<A>, indexes?: Indexes<A>) => Effect.Effect<Store<A>>
    /** Every later change, after an Added for every object that is there already. */
    readonly subscribe: <A extends KubeObject>(resource: Resource<A>, listener: Listener<A>) => Effect.Effect<void>
    /** Names (plural.group) of the kinds whose first listing has not arrived. */
    readonly pending: Effect.Effect<ReadonlyArray<string>>
    /** Until no kind is pending. */
    readonly ready: Effect.Effect<void>
    /** Ends with the defect of the first watch that dies: whoever owns the process joins this. */
    readonly failed: Effect.Effect<never>
  }
>()("capscvmm/runtime/Informers") {
  static readonly layer = (selection: Selection = everything): Layer.Layer<Informers, never, KubeClient> =>
    Informers.layerWatch(Watcher.watch, selection)

  /** With another way to watch. */
  static readonly layerWatch = (
    watch: Watch,
    selection: Selection = everything
  ): Layer.Layer<Informers, never, KubeClient> => Layer.effect(Informers, make(watch, selection))
}

const make = Effect.fnUntraced(function* (watch: Watch, selection: Selection) {
  const loops = yield* FiberSet.make<never, never>()
  // Loops run in the layer's context: the span and the annotations of whoever asks first are not theirs.
  const fork = yield* FiberSet.runtime(loops)<KubeClient>()
  const informers = new Map<unknown, Informer<never>>()

  const handle = Effect.fnUntraced(function* <A extends KubeObject>(
    informer: Informer<A>,
    reported: Map<string, string>,
    event: WatchEvent<A>
  ) {
    if (event._tag === "Undecodable") yield* report(informer.name, reported, event)
    for (const change of informer.writer.write(event)) {
      reported.delete(keyText({ namespace: change.object.metadata.namespace ?? "", name: change.object.metadata.name }))
      yield* Effect.forEach([...informer.listeners], (listener) => listener(change), { discard: true })
    }
  })

  const start = <A extends KubeObject>(resource: Resource<A>): Informer<A> => {
    const informer: Informer<A> = {
      name: resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`,
      writer: Stores.make(resource),
      listeners: new Set()
    }
    const reported = new Map<string, string>()
    const loop = watch(resource, selection(resource)).pipe(
      Stream.runForEach((event) => handle(informer, reported, event)),
      Effect.andThen(Effect.die(new Error(`the watch of ${informer.name} ended`)))
    )
    // Not at once: who asked first is to hear the watch from its beginning.
    fork(Effect.andThen(Effect.yieldNow, loop))
    return informer
  }

  const informer = <A extends KubeObject>(resource: Resource<A>): Informer<A> => {
    // The map is keyed by the descriptor itself, so what it holds is of the descriptor's own type.
    const known = informers.get(resource) as Informer<A> | undefined
    if (known !== undefined) return known
    const made = start(resource)
    informers.set(resource, made as unknown as Informer<never>)
    return made
  }

  const pending = Effect.sync(() => [...informers.values()].filter(({ writer }) => !writer.isReady()))

  return Informers.of({
    store: (resource, indexes) =>
      Effect.sync(() => {
        const { writer } = informer(resource)
        if (indexes !== undefined) writer.index(indexes)
        return writer.store
      }),
    subscribe: (resource, listener) =>
      Effect.suspend(() => {
        const { listeners, writer } = informer(resource)
        listeners.add(listener)
        return Effect.forEach(writer.store.list(), (object) => listener({ _tag: "Added", object, initial: true }), {
          discard: true
        })
      }),
    pending: Effect.map(pending, (waiting) => waiting.map(({ name }) => name)),
    ready: Effect.gen(function* () {
      while (true) {
        const [first] = yield* pending
        if (first === undefined) return
        yield* first.writer.store.ready
      }
    }),
    failed: Effect.andThen(FiberSet.join(loops), Effect.never)
  })
})

const report = Effect.fnUntraced(function* (
  kind: string,
  reported: Map<string, string>,
  event: Extract<WatchEvent<never>, { readonly _tag: "Undecodable" }>
) {
  const key = keyText(event.key)
  if (reported.get(key) === event.message) return
  reported.set(key, event.message)
  yield* Metric.update(Metric.withAttributes(RuntimeMetrics.undecodable, { kind }), 1)
  yield* Effect.logWarning("object cannot be read and is left alone").pipe(
    Effect.annotateLogs({ kind, namespace: event.key.namespace, name: event.key.name, error: event.message })
  )
})
