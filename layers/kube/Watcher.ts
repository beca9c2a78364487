/** An endless, self-healing list-then-watch of one kind. */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { apiVersion } from "../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../schemas/kube/Watch.ts"
import type { ListOptions, RawEvent } from "./KubeClient.ts"
import { KubeClient } from "./KubeClient.ts"
import type { KubeError } from "./KubeError.ts"
import { rawKey, rawResourceVersion } from "./RawObject.ts"

export type Watch = <A extends KubeObject>(
  resource: Resource<A>,
  options?: ListOptions
) => Stream.Stream<WatchEvent<A>, never, KubeClient>

const firstPause = 500
const longestPause = 30_000

/** After so many watches in a row that failed, list again: the resourceVersion itself may be what the server refuses. */
const patience = 5

/** Milliseconds before attempt `failures` + 1: doubling, capped, `spread` in [0.8, 1.2); never sooner than the server asks. */
export const pause = (failures: number, spread: number, error: KubeError | undefined): number => {
  const doubled = Math.min(longestPause, firstPause * 2 ** Math.min(failures - 1, 16)) * spread
  return error?._tag === "KubeTooManyRequests" ? Math.max(doubled, error.retryAfterSeconds * 1000) : doubled
}

/** Where a watcher stands. */
interface Progress {
  /** Undefined: a full listing is due. */
  resourceVersion: string | undefined
  failures: number
  /** The problem last logged, so that an outage is one line and not one a minute. */
  told: string | undefined
}

/**
 * **Expected flow**: one `Listed`, then `Applied` and `Deleted` as they happen; the server ends a watch every few
 * minutes, which is resumed from the last version seen (bookmarks move it while nothing happens).
 *
 * **Guarantees**: never fails and never ends. After any gap (410, an unreadable deletion, five failed attempts) a
 * complete `Listed` comes before anything else, so a reader that replaces what it has is never stale for good.
 *
 * **Assumptions**: the reader takes events in order; nothing is read ahead of it.
 *
 * **Errors** are logged once per change and retried with capped, jittered backoff.
 */
export const watch: Watch = <A extends KubeObject>(resource: Resource<A>, options: ListOptions = {}) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const client = yield* KubeClient
      const progress: Progress = { resourceVersion: undefined, failures: 0, told: undefined }
      const decode = Schema.decodeUnknownResult(resource.schema)

      const wait = Effect.fnUntraced(function* (error: KubeError | undefined) {
        const spread = yield* Random.nextBetween(0.8, 1.2)
        yield* Effect.sleep(Duration.millis(pause(Math.max(1, progress.failures), spread, error)))
      })

      const problem = Effect.fnUntraced(
        function* (error: KubeError) {
          progress.failures += 1
          if (error._tag === "KubeGone") {
            progress.resourceVersion = undefined
            yield* Effect.logDebug("watch expired, listing again")
            if (progress.failures === 1) return
          }
          if (progress.failures % patience === 0) progress.resourceVersion = undefined
          if (error.message !== progress.told && error._tag !== "KubeGone") {
            progress.told = error.message
            yield* Effect.logWarning("watch interrupted, will be tried again").pipe(
              Effect.annotateLogs({ error: error.message })
            )
          }
          yield* wait(error)
        },
        Effect.annotateLogs({ resource: resource.plural })
      )

      const healthy = Effect.suspend(() => {
        progress.failures = 0
        if (progress.told === undefined) return Effect.void
        progress.told = undefined
        return Effect.annotateLogs(Effect.logInfo("watch works again"), { resource: resource.plural })
      })

      const listing: Effect.Effect<ReadonlyArray<WatchEvent<A>>> = Effect.suspend(() =>
        Effect.matchEffect(client.list(resource, options), {
          onFailure: (error) => Effect.as(problem(error), []),
          onSuccess: ({ items, undecodable, resourceVersion }) => {
            progress.resourceVersion = resourceVersion
            const bad = undecodable.map((it): WatchEvent<A> => ({ _tag: "Undecodable", ...it }))
            const listed: WatchEvent<A> = { _tag: "Listed", items, unreadable: undecodable.map(({ key }) => key) }
            return Effect.as(healthy, [listed, ...bad])
          }
        })
      )

      const interpret = (event: Exclude<RawEvent, { type: "ERROR" }>): ReadonlyArray<WatchEvent<A>> => {
        progress.resourceVersion = rawResourceVersion(event.object) ?? progress.resourceVersion
        if (event.type === "BOOKMARK") return []
        const decoded = decode({ apiVersion: apiVersion(resource), kind: resource.kind, ...Object(event.object) })
        if (decoded._tag === "Success") {
          return [{ _tag: event.type === "DELETED" ? "Deleted" : "Applied", object: decoded.success }]
        }
        // A deletion that cannot be told is made good by the listing that it forces.
        if (event.type === "DELETED") progress.resourceVersion = undefined
        return [{ _tag: "Undecodable", key: rawKey(event.object), message: decoded.failure.message }]
      }

      const changes = (resourceVersion: string): Stream.Stream<WatchEvent<A>> =>
        Stream.unwrap(
          Effect.map(Clock.currentTimeMillis, (started) => {
            let silent = true
            return client.watch(resource, { ...options, resourceVersion }).pipe(
              Stream.mapEffect((event) => {
                if (event.type === "ERROR") return Effect.fail(event.error)
                silent = false
                return Effect.as(healthy, interpret(event))
              }),
              Stream.takeUntil(() => progress.resourceVersion === undefined),
              Stream.flattenIterable,
              Stream.concat(
                // A server that hangs up at once, again and again, is not asked in a tight loop.
                Stream.fromEffectDrain(
                  Effect.flatMap(Clock.currentTimeMillis, (now) =>
                    silent && now - started < 1000 ? wait(undefined) : Effect.void
                  )
                )
              ),
              Stream.catch((error) => Stream.fromEffectDrain(problem(error)))
            )
          })
        )

      return Stream.fromEffectRepeat(Effect.sync(() => progress.resourceVersion)).pipe(
        Stream.flatMap((version) =>
          version === undefined ? Stream.flattenIterable(Stream.fromEffect(listing)) : changes(version)
        )
      )
    })
  )
