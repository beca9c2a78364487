/** Watches: state or replay first, then every change as it is committed, as lines of JSON. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as ScopeModule from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Failure from "./Failure.ts"
import { apiVersion, type Kind } from "./Kind.ts"
import { withMetadata, type KubeJson } from "./KubeJson.ts"
import { predicate, prefix, versionFault, type Scope } from "./Listing.ts"
import * as Options from "./Options.ts"
import * as Representation from "./Representation.ts"
import type { Predicate } from "./Selector.ts"
import type { Change, Storage } from "./Storage.ts"

/** A reader that far behind is cut off; it lists and watches again. */
const backlog = 10_000
const defaultTimeoutSeconds = 1800
const bookmarkEvery = "60 seconds"

type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"

const encoder = new TextEncoder()

const line = (type: EventType, object: KubeJson): Uint8Array => encoder.encode(`${JSON.stringify({ type, object })}\n`)

/** How a change looks to a watch that sees only what its predicate lets through. */
const seen = (
  change: Change,
  matches: Predicate
): { readonly type: EventType; readonly object: KubeJson } | undefined => {
  const before = change.previous !== undefined && matches(change.previous)
  if (change.type === "DELETED") return before ? { type: "DELETED", object: change.object } : undefined
  const after = matches(change.object)
  if (after) return { type: before ? "MODIFIED" : "ADDED", object: change.object }
  return before && change.previous !== undefined
    ? { type: "DELETED", object: withMetadata(change.previous, { resourceVersion: String(change.revision) }) }
    : undefined
}

interface Plan {
  readonly matches: Predicate
  /** undefined: state first. */
  readonly from: number | undefined
  readonly bookmarks: boolean
  /** A bookmark marks the end of the state. */
  readonly streaming: boolean
  readonly timeoutSeconds: number
}

/** Throws 400, 422, 500 as the real server does. */
const plan = (kind: Kind, query: URLSearchParams, storage: Storage): Plan => {
  const version = query.get("resourceVersion") ?? ""
  const seconds = Options.integer(query, "timeoutSeconds") ?? 0
  Options.integer(query, "limit")
  const matches = predicate(kind, query, "watch")
  const fault = versionFault(version)
  if (fault !== undefined) throw Failure.internal(fault)
  const streaming = query.has("sendInitialEvents") && Options.flag(query, "sendInitialEvents")
  const unversioned = version === "" || version === "0"
  // Who wants no initial events, and names no version, starts now.
  const from = unversioned ? (query.has("sendInitialEvents") ? storage.revision() : undefined) : Number(version)
  return {
    matches,
    from: streaming ? undefined : from,
    bookmarks: Options.flag(query, "allowWatchBookmarks"),
    streaming,
    timeoutSeconds: seconds > 0 ? seconds : defaultTimeoutSeconds
  }
}

const bookmark = (kind: Kind, revision: number, annotations?: KubeJson): Uint8Array =>
  line("BOOKMARK", {
    kind: kind.kind,
    apiVersion: apiVersion(kind),
    metadata: { resourceVersion: String(revision), ...(annotations !== undefined && { annotations }) }
  })

/** Writes events in a shape; whole objects are written once for all watches, by way of the change. */
const writer = (shape: Representation.Shape, kind: Kind, include: Representation.TableOptions["include"]) => {
  let columns = true
  const write = (type: EventType, object: KubeJson, millis: number): Uint8Array => {
    const shown = Representation.one(shape, kind, object, { millis, include, columns })
    columns = false
    return line(type, shown)
  }
  const writeChange = (change: Change, matches: Predicate, millis: number): Uint8Array | undefined => {
    const event = seen(change, matches)
    if (event === undefined) return undefined
    if (shape === "Table" || event.object !== change.object) return write(event.type, event.object, millis)
    const id = `${shape} ${apiVersion(kind)} ${event.type}`
    const written = change.lines.get(id) ?? write(event.type, event.object, millis)
    change.lines.set(id, written)
    return written
  }
  return { write, writeChange }
}

const joined = (lines: ReadonlyArray<Uint8Array>): Uint8Array => {
  const [first] = lines
  if (lines.length === 1 && first !== undefined) return first
  const whole = new Uint8Array(lines.reduce((total, each) => total + each.length, 0))
  lines.reduce((offset, each) => {
    whole.set(each, offset)
    return offset + each.length
  }, 0)
  return whole
}

/**
 * The body of a watch; it follows the storage from now on, until its scope closes or its time is over. History that
 * does not reach back is an ERROR event (410 Expired). Throws (as a Failure inside the effect) for bad parameters.
 */
export const watch = Effect.fnUntraced(function* (
  storage: Storage,
  scope: Scope,
  query: URLSearchParams,
  shape: Representation.Shape,
  include: Representation.TableOptions["include"]
): Effect.fn.Return<Stream.Stream<Uint8Array>, Failure.Failure, ScopeModule.Scope> {
  const { kind } = scope
  const planned = yield* Failure.attempt(() => plan(kind, query, storage))
  const home = prefix(scope)
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const { write, writeChange } = writer(shape, kind, include)
  const queue = yield* Queue.make<Uint8Array, Cause.Done>()

  const first: Array<Uint8Array> = []
  if (planned.from === undefined) {
    for (const { object } of storage.list(kind.store, home)) {
      if (planned.matches(object)) first.push(write("ADDED", object, now()))
    }
    if (planned.streaming && planned.bookmarks)
      first.push(bookmark(kind, storage.revision(), { "k8s.io/initial-events-end": "true" }))
  } else {
    const missed = storage.since(kind.store, planned.from)
    if (missed === undefined) {
      const gone = Failure.expired(`too old resource version: ${planned.from} (${storage.oldest(kind.store)})`)
      return Stream.make(line("ERROR", Failure.status(gone)))
    }
    for (const change of missed) {
      const written = change.key.startsWith(home) ? writeChange(change, planned.matches, now()) : undefined
      if (written !== undefined) first.push(written)
    }
  }

  const unfollow = storage.follow(kind.store, (change) => {
    if (!change.key.startsWith(home) || (planned.from !== undefined && change.revision <= planned.from)) return
    const written = writeChange(change, planned.matches, now())
    if (written === undefined) return
    if (Queue.sizeUnsafe(queue) >= backlog) Queue.endUnsafe(queue)
    else Queue.offerUnsafe(queue, written)
  })
  yield* Effect.addFinalizer(() => Effect.andThen(Effect.sync(unfollow), Queue.end(queue)))

  const mark = Effect.sync(() => Queue.offerUnsafe(queue, bookmark(kind, storage.revision())))
  yield* Effect.forkScoped(
    (planned.bookmarks ? Effect.forever(Effect.andThen(Effect.sleep(bookmarkEvery), mark)) : Effect.never).pipe(
      Effect.timeoutOption(`${planned.timeoutSeconds} seconds`),
      Effect.andThen(planned.bookmarks ? mark : Effect.void),
      Effect.andThen(Queue.end(queue))
    )
  )
  return Stream.concat(
    Stream.fromIterable(first.length === 0 ? [] : [joined(first)]),
    Stream.mapArray(Stream.fromQueue(queue), (lines) => [joined(lines)])
  )
})
