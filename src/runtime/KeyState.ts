/** The state machine of one key in a work queue, as pure transitions. */
import type { Request } from "./Request.ts"
import { merge } from "./Request.ts"

/**
 * ## Expected flow
 * ```
 *  (none) ──add──▶ Queued ──take──▶ Running ──finish──▶ (none)
 *     │              ▲ ▲               │ ▲
 *  add later       due │ add          add │ finish: back to Queued
 *     └──▶ Delayed ──┘ └──────────── Dirty
 * ```
 * ## Guarantees
 * - A key is Running or Dirty in one place at a time: only Queued can be taken.
 * - An add is followed by a run that starts after it: an add while Running makes it Dirty, and finish queues it again.
 * - Adds of a Queued or Dirty key are one run.
 * - Of several delayed adds the earliest counts, and any run that starts answers them all: a reconcile states anew what it
 *   wants next.
 * - Of several priorities the highest counts, wherever the wishes were waiting.
 *
 * ## Assumptions
 * Milliseconds of one clock throughout.
 */
export type KeyState =
  | { readonly _tag: "Delayed"; readonly request: Request; readonly dueAt: number }
  | { readonly _tag: "Queued"; readonly request: Request; readonly since: number }
  | { readonly _tag: "Running"; readonly request: Request; readonly since: number; readonly later?: Later }
  | { readonly _tag: "Dirty"; readonly request: Request; readonly since: number; readonly next: Request }

/** A run that is asked for at `dueAt` or earlier. */
export interface Later {
  readonly request: Request
  readonly dueAt: number
}

const queued = (request: Request, now: number): KeyState => ({ _tag: "Queued", request, since: now })

/** A run that starts after now. */
export const add = (state: KeyState | undefined, request: Request, now: number): KeyState => {
  switch (state?._tag) {
    case undefined:
      return queued(request, now)
    case "Delayed":
      return queued(merge(request, state.request), now)
    case "Queued":
      return { ...state, request: merge(state.request, request) }
    case "Running":
      return {
        _tag: "Dirty",
        request: state.request,
        since: state.since,
        next: state.later === undefined ? request : merge(request, state.later.request)
      }
    case "Dirty":
      return { ...state, next: merge(state.next, request) }
  }
}

/** A run at `dueAt` or earlier. */
export const addAt = (state: KeyState | undefined, request: Request, dueAt: number, now: number): KeyState => {
  if (dueAt <= now) return add(state, request, now)
  switch (state?._tag) {
    case undefined:
      return { _tag: "Delayed", request, dueAt }
    case "Delayed":
      return { ...state, request: merge(state.request, request), dueAt: Math.min(state.dueAt, dueAt) }
    case "Queued":
      return { ...state, request: merge(state.request, request) }
    case "Dirty":
      return { ...state, next: merge(state.next, request) }
    case "Running":
      return {
        ...state,
        later:
          state.later === undefined
            ? { request, dueAt }
            : { request: merge(state.later.request, request), dueAt: Math.min(state.later.dueAt, dueAt) }
      }
  }
}

/** The delay is over; nothing when the state has moved on. */
export const release = (state: KeyState | undefined, now: number): KeyState | undefined =>
  state?._tag === "Delayed" && state.dueAt <= now ? queued(state.request, now) : state

export const take = (state: KeyState | undefined, now: number): KeyState | undefined =>
  state?._tag === "Queued" ? { _tag: "Running", request: state.request, since: now } : state

/** The run ended. `next` is what the run itself asks for: a request at a time, or nothing. */
export const finish = (state: KeyState | undefined, next: Later | undefined, now: number): KeyState | undefined => {
  switch (state?._tag) {
    case "Running": {
      const wishes = [state.later, next].filter((later) => later !== undefined)
      return wishes.reduce<KeyState | undefined>((rest, wish) => addAt(rest, wish.request, wish.dueAt, now), undefined)
    }
    case "Dirty":
      return queued(next === undefined ? state.next : merge(state.next, next.request), now)
    default:
      return state
  }
}
