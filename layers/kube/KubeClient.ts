/** Requests to one Kubernetes API: typed objects in and out, typed errors, one span a request. */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Stream from "effect/Stream"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import type { Json, Patch } from "../../schemas/kube/Patch.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { Dial } from "../Dial.ts"
import { make } from "./KubeClientLive.ts"
import type { KubeConfig } from "./KubeConfig.ts"
import type { KubeError } from "./KubeError.ts"

export interface ListOptions {
  /** "" or absent: all namespaces. */
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
}

export interface Listing<A> {
  readonly items: ReadonlyArray<A>
  /** Items that did not decode, by key, with the reason. */
  readonly undecodable: ReadonlyArray<{ readonly key: ObjectKey; readonly message: string }>
  readonly resourceVersion: string
}

/** OPENED when the server has taken the watch; then its lines, before they are decoded. Bookmarks only move the resourceVersion. */
export type RawEvent =
  | { readonly type: "OPENED" }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: unknown }
  | { readonly type: "ERROR"; readonly error: KubeError }

export interface WriteOptions {
  readonly subresource?: "status"
  readonly fieldValidation?: "Strict" | "Warn" | "Ignore"
  readonly dryRun?: boolean
}

export interface DeleteOptions {
  readonly uid?: string
  readonly resourceVersion?: string
  readonly propagationPolicy?: "Background" | "Foreground" | "Orphan"
}

export interface KubeClientOptions {
  /** Of each try of everything, log-on aside, of a watch until it is open; 30 seconds when absent. */
  readonly timeout?: Duration.Input
  /** Objects a page of a list; 250 when absent. */
  readonly pageSize?: number
  /** The `host` of the server's metrics; that of its URL when absent. */
  readonly host?: string
}

export class KubeClient extends Context.Service<
  KubeClient,
  {
    readonly get: <A extends KubeObject>(resource: Resource<A>, key: ObjectKey) => Effect.Effect<A, KubeError>
    /** Every page, in order. */
    readonly list: <A extends KubeObject>(
      resource: Resource<A>,
      options?: ListOptions
    ) => Effect.Effect<Listing<A>, KubeError>
    /** One watch connection with bookmarks, until the server ends it. */
    readonly watch: <A extends KubeObject>(
      resource: Resource<A>,
      options: ListOptions & { readonly resourceVersion: string }
    ) => Stream.Stream<RawEvent, KubeError>
    /** `body` lacks apiVersion and kind: they come from the resource. */
    readonly create: <A extends KubeObject>(
      resource: Resource<A>,
      namespace: string,
      body: { readonly [key: string]: Json },
      options?: WriteOptions
    ) => Effect.Effect<A, KubeError>
    readonly patch: <A extends KubeObject>(
      resource: Resource<A>,
      key: ObjectKey,
      patch: Patch,
      options?: WriteOptions
    ) => Effect.Effect<A, KubeError>
    readonly delete: <A extends KubeObject>(
      resource: Resource<A>,
      key: ObjectKey,
      options?: DeleteOptions
    ) => Effect.Effect<void, KubeError>
    /** A plain GET, for discovery and version. */
    readonly raw: (path: string) => Effect.Effect<unknown, KubeError>
  }
>()("capscvmm/layers/KubeClient") {
  /**
   * A client of one API server. What was turned away with 429 is repeated after the time the server asks for, reads also
   * when a 5xx asks or the connection was lost (KubeRetry). Writes are never repeated after anything else: after an
   * Unreachable a write may or may not have happened.
   */
  static readonly layer = (config: KubeConfig, options?: KubeClientOptions): Layer.Layer<KubeClient, never, Dial> =>
    Layer.effect(KubeClient, make(config, options ?? {}))
}
