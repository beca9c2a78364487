/** An endless, self-healing list-then-watch of one kind. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Monotonic from "../Monotonic.ts"
import type { KubeObject, Resource } from "../../schemas/kube/Resource.ts"
import { apiVersion, collectionPath } from "../../schemas/kube/Resource.ts"
import type { WatchEvent } from "../../schemas/kube/Watch.ts"
import { classify } from "../DialFailure.ts"
import type { ListOptions, RawEvent } from "./KubeClient.ts"
import { KubeClient } from "./KubeClient.ts"
import type { KubeError } from "./KubeError.ts"
import { Unreachable } from "./KubeError.ts"
import * as KubeMetrics from "./KubeMetrics.ts"
import { rawKey, rawResourceVersion } from "./RawObject.ts"

export type Watch = <A extends KubeObject>(
  resource: Resource<A>,
  options?: ListOptions
) => Stream.Stream<WatchEvent<A>, never, KubeClient>

const firstPause = 1000
const longestPause = 30_000
/** client-go's: failures are counted together until so long after the last. */
const forgottenAfter = 120_000
/** An outage is over when a watch has been open for so long: one that is taken and cut again at once is no end of it. */
const heldAfter = Duration.seconds(10)
/** A watch that ends sooner says nothing good of its server. */
const tooShort = 1000

/** After so many failures in a row, list again: the resourceVersion itself may be what the server refuses. */
const patience = 5

/**
 * Milliseconds before attempt `failures` + 1: doubling, capped at half a minute, times `spread` in [0.5, 1), so that the
 * watches that broke together do not come back together; never sooner than the server asks.
 */
export const pause = (failures: number, spread: number, error: KubeError): number => {
  const doubled = Math.min(longestPause, firstPause * 2 ** Math.min(failures - 1, 16)) * spread
  const asked = typeof error.retry === "object" ? error.retry.afterMillis : 0
  return Math.max(doubled, asked * (1 + (spread - 0.5) / 2))
}

/** One thing that can go wrong, whatever else its message says. */
const kindOf = (error: KubeError): string => {
  if (error._tag !== "KubeUnreachable") return "status" in error ? `${error._tag} ${error.status}` : error._tag
  const { kind } = classify(error.cause)
  // A server that goes resets what is open, then refuses what comes: one thing, told once.
  return `${error._tag} ${kind === "reset" ? "refused" : kind}`
}

/** Where a watcher stands. */
interface Progress {
  /** Undefined: a full listing is due. */
  resourceVersion: string | undefined
  failures: number
  failedAt: number
  /** Since when nothing holds, and what of it was logged: an outage is a line for each kind of problem, and one at its end. */
  outage: { readonly since: number; readonly told: Set<string> } | undefined
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
 * **Errors** are retried with capped, jittered backoff, which two quiet minutes reset and a success alone does not: a
 * server that answers lists and refuses watches is not asked in a loop. Each kind of problem is logged once an outage,
 * and so is the outage's end.
 */
export const watch: Watch = <A extends KubeObject>(resource: Resource<A>, options: ListOptions = {}) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const client = yield* KubeClient
      const progress: Progress = { resourceVersion: undefined, failures: 0, failedAt: -Infinity, outage: undefined }
      const decode = Schema.decodeUnknownResult(resource.schema)
      const name = resource.group === "" ? resource.plural : `${resource.plural}.${resource.group}`
      const count = KubeMetrics.watcher(name)

      const tell = Effect.fnUntraced(function* (error: KubeError, now: number) {
        progress.outage ??= { since: now, told: new Set() }
        if (progress.outage.told.has(kindOf(error))) return
        progress.outage.told.add(kindOf(error))
        yield* Effect.logWarning("watch interrupted, will be tried again").pipe(
          Effect.annotateLogs({ error: error.message })
        )
      })

      const problem = Effect.fnUntraced(
        function* (error: KubeError) {
          const now = yield* Monotonic.millis
          if (now - progress.failedAt >= forgottenAfter) progress.failures = 0
          progress.failures += 1
          progress.failedAt = now
          if (error._tag === "KubeGone") {
            progress.resourceVersion = undefined
            yield* Effect.logDebug("watch expired, listing again")
            // Every watch may find its version compacted away once; again and again is a problem like any other.
            if (progress.failures === 1) return
          }
          if (progress.failures % patience === 0) progress.resourceVersion = undefined
          yield* count.failed(error._tag)
          yield* tell(error, now)
          const spread = yield* Random.nextBetween(0.5, 1)
          yield* Effect.sleep(pause(progress.failures, spread, error))
        },
        Effect.annotateLogs({ resource: name })
      )

      const held = Effect.gen(function* () {
        yield* count.held
        const { outage } = progress
        if (outage === undefined) return
        progress.outage = undefined
        const lasted = Duration.millis(Math.round((yield* Monotonic.millis) - outage.since))
        yield* Effect.logInfo("watch works again").pipe(
          Effect.annotateLogs({ resource: name, after: Duration.format(lasted) })
        )
      })

      const listing: Effect.Effect<ReadonlyArray<WatchEvent<A>>> = Effect.suspend(() =>
        Effect.matchEffect(Effect.andThen(count.listed, client.list(resource, options)), {
          onFailure: (error) => Effect.as(problem(error), []),
          onSuccess: ({ items, undecodable, resourceVersion }) => {
            progress.resourceVersion = resourceVersion
            const bad = undecodable.map((it): WatchEvent<A> => ({ _tag: "Undecodable", ...it }))
            const listed: WatchEvent<A> = { _tag: "Listed", items, unreadable: undecodable.map(({ key }) => key) }
            return Effect.succeed([listed, ...bad])
          }
        })
      )

      const interpret = (event: Extract<RawEvent, { readonly object: unknown }>): ReadonlyArray<WatchEvent<A>> => {
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

      /** One watch, as long as it lasts; `silent` until something comes. */
      const received = (resourceVersion: string, course: { silent: boolean; readonly started: number }) =>
        Stream.unwrap(
          Effect.gen(function* () {
            const scope = yield* Effect.scope
            yield* count.watched
            yield* Effect.addFinalizer(() =>
              Effect.flatMap(Monotonic.millis, (now) => count.lasted(Duration.millis(now - course.started)))
            )
            return client.watch(resource, { ...options, resourceVersion }).pipe(
              Stream.mapEffect((event) => {
                if (event.type === "ERROR") return Effect.fail(event.error)
                if (event.type === "OPENED") {
                  return Effect.as(Effect.forkIn(Effect.delay(held, heldAfter), scope), [])
                }
                course.silent = false
                return Effect.succeed(interpret(event))
              }),
              Stream.takeUntil(() => progress.resourceVersion === undefined),
              Stream.flattenIterable
            )
          })
        )

      /** A server that hangs up at once, again and again, is not asked in a tight loop. */
      const ended = Effect.fnUntraced(function* (course: { readonly silent: boolean; readonly started: number }) {
        if ((yield* Monotonic.millis) - course.started >= tooShort) return
        if (!course.silent) return yield* Effect.sleep(firstPause)
        yield* count.endedAtOnce
        const detail = "the server ended the watch at once"
        const path = collectionPath(resource, options.namespace ?? "")
        yield* problem(new Unreachable({ method: "GET", path, detail, cause: new Error(detail) }))
      })

      const changes = (resourceVersion: string): Stream.Stream<WatchEvent<A>> =>
        Stream.unwrap(
          Effect.map(Monotonic.millis, (started) => {
            const course = { silent: true, started }
            return received(resourceVersion, course).pipe(
              Stream.concat(Stream.fromEffectDrain(Effect.suspend(() => ended(course)))),
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
