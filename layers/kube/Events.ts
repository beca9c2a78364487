/** Kubernetes Events: what an administrator sees under `kubectl describe`. */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Monotonic from "../Monotonic.ts"
import { ObjectMeta } from "../../schemas/kube/ObjectMeta.ts"
import type { Json } from "../../schemas/kube/Patch.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { KubeClient } from "./KubeClient.ts"

/** The object an Event is about. */
export interface Regarding {
  readonly apiVersion: string
  readonly kind: string
  /** "" for a cluster-scoped object. */
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface Event {
  readonly type: "Normal" | "Warning"
  /** CamelCase. */
  readonly reason: string
  /** What was being done; the reason when absent. */
  readonly action?: string
  readonly message: string
}

/** events.k8s.io/v1 Event; only written, so nothing of it is decoded but its name. */
export const EventResource: Resource<KubeObject> = {
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
  schema: Schema.Struct({ metadata: ObjectMeta })
}

const reportingController = "caps-controller"
const quietMillis = 600_000
/** Distinct Events remembered; beyond it the oldest are forgotten and may be written again. */
const remembered = 2048
/** Limits of the API: note 1024 bytes, names 253 characters. */
const noteLimit = 1024

const clip = (text: string): string => {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length <= noteLimit) return text
  // A character cut in half decodes to U+FFFD at the end.
  return `${new TextDecoder().decode(bytes.subarray(0, noteLimit - 3)).replace(/\uFFFD+$/u, "")}…`
}

/** The Event as the API takes it. `suffix` makes the name unique. Pure. */
export const body = (
  regarding: Regarding,
  event: Event,
  at: { readonly millis: number; readonly suffix: string; readonly instance: string }
): { readonly [key: string]: Json } => ({
  metadata: {
    name: `${regarding.name.slice(0, 220)}.${at.suffix}`,
    namespace: regarding.namespace === "" ? "default" : regarding.namespace
  },
  eventTime: new Date(at.millis).toISOString().replace("Z", "000Z"),
  reportingController,
  reportingInstance: at.instance,
  type: event.type,
  reason: event.reason,
  action: event.action ?? event.reason,
  note: clip(event.message),
  regarding: {
    apiVersion: regarding.apiVersion,
    kind: regarding.kind,
    name: regarding.name,
    uid: regarding.uid,
    ...(regarding.namespace !== "" && { namespace: regarding.namespace })
  }
})

export interface EventsOptions {
  /** Name of this pod or host. */
  readonly instance?: string
}

/**
 * **Guarantees**: the same Event (object, type, reason, message) is written at most once in ten minutes; publishing
 * never fails and takes at most five seconds: an Event that cannot be written is logged and tried again when it recurs.
 */
export class Events extends Context.Service<
  Events,
  {
    readonly publish: (regarding: Regarding, event: Event) => Effect.Effect<void>
  }
>()("capscvmm/layers/Events") {
  static readonly layer = (options?: EventsOptions): Layer.Layer<Events, never, KubeClient> =>
    Layer.effect(Events, make(options?.instance ?? reportingController))

  /** Events go nowhere. */
  static readonly layerNoop: Layer.Layer<Events> = Layer.succeed(Events, { publish: () => Effect.void })
}

const make = Effect.fnUntraced(function* (instance: string) {
  const kube = yield* KubeClient
  /** When each was last written; a Map keeps the order of insertion, so the oldest come first. */
  const written = new Map<string, number>()

  const remember = (key: string, now: number): boolean => {
    for (const [old, at] of written) {
      if (now - at < quietMillis && written.size < remembered) break
      written.delete(old)
    }
    if (written.has(key)) return false
    written.set(key, now)
    return true
  }

  const publish = Effect.fn("Events.publish")(function* (regarding: Regarding, event: Event) {
    const millis = yield* Clock.currentTimeMillis
    const key = JSON.stringify([
      regarding.uid,
      regarding.kind,
      regarding.namespace,
      regarding.name,
      event.type,
      event.reason,
      event.message
    ])
    if (!remember(key, yield* Monotonic.millis)) return
    const salt = yield* Random.nextIntBetween(0, 0x1_00_00_00)
    const suffix = `${millis.toString(16)}${salt.toString(16).padStart(6, "0")}`
    const object = body(regarding, event, { millis, suffix, instance: instance.slice(0, 128) })
    yield* kube.create(EventResource, regarding.namespace === "" ? "default" : regarding.namespace, object).pipe(
      Effect.timeout("5 seconds"),
      Effect.catch((error) => {
        written.delete(key)
        return Effect.logWarning("an Event was not written").pipe(
          Effect.annotateLogs({ reason: event.reason, error: error.message })
        )
      })
    )
  })
  return Events.of({ publish })
})
