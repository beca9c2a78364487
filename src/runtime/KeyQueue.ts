/** All keys of one work queue: order of the queued, due times of the delayed, failures in a row. No clock, no effects. */
import type { KeyState, Later } from "./KeyState.ts"
import * as State from "./KeyState.ts"
import * as Priority from "./Priority.ts"
import type { Request } from "./Request.ts"
import { keyText } from "./Request.ts"

interface Due {
  readonly at: number
  readonly key: string
}

/** A request that was taken, with the time it became queued. */
export interface Taken {
  readonly request: Request
  readonly queuedAt: number
}

/**
 * Mutable on purpose (thousands of keys change one by one) and synchronous, so that every operation is atomic; what each key
 * may do is decided by the pure transitions of KeyState. Times are milliseconds given by the caller.
 */
export class KeyQueue {
  readonly #states = new Map<string, KeyState>()
  readonly #failures = new Map<string, number>()
  /** First in, first out in each: a Set keeps insertion order. */
  readonly #queued = { normal: new Set<string>(), low: new Set<string>() }
  /** Normal keys taken in a row while a low one waited. */
  #passed = 0
  /** Sorted by time. Entries are not taken out when a key runs earlier: `release` skips those. */
  readonly #due: Array<Due> = []

  /** Returns whether the key became queued by it. */
  add(request: Request, now: number): boolean {
    const key = keyText(request.key)
    return this.#set(key, State.add(this.#states.get(key), request, now))
  }

  addAt(request: Request, dueAt: number, now: number): boolean {
    const key = keyText(request.key)
    return this.#set(key, State.addAt(this.#states.get(key), request, dueAt, now))
  }

  /** Queues every key whose delay is over; returns how many. */
  release(now: number): number {
    const later = this.#due.findIndex((due) => due.at > now)
    const over = this.#due.splice(0, later < 0 ? this.#due.length : later)
    return over.filter(({ at, key }) => {
      const state = this.#states.get(key)
      return state?._tag === "Delayed" && state.dueAt === at && this.#set(key, State.release(state, now))
    }).length
  }

  /** When `release` has something to do next. */
  get nextDue(): number | undefined {
    return this.#due[0]?.at
  }

  /** The key that waits longest of the priority whose turn it is, now running. */
  take(now: number): Taken | undefined {
    const priority = Priority.turn(this.depth, this.#passed)
    const next = this.#lane(priority).values().next()
    if (next.done === true) return undefined
    const state = this.#states.get(next.value)
    this.#set(next.value, State.take(state, now))
    this.#passed = priority === Priority.low || this.#queued.low.size === 0 ? 0 : this.#passed + 1
    return state?._tag === "Queued" ? { request: state.request, queuedAt: state.since } : undefined
  }

  /** The run of the request's key ended; `next` is what it asks for. Returns whether the key is queued again. */
  finish(request: Request, next: Later | undefined, now: number): boolean {
    const key = keyText(request.key)
    return this.#set(key, State.finish(this.#states.get(key), next, now))
  }

  /** Counts one more failure in a row and returns how many there are now. */
  fail(request: Request): number {
    const key = keyText(request.key)
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    return failures
  }

  forget(request: Request): void {
    this.#failures.delete(keyText(request.key))
  }

  /** Keys that wait for a worker. */
  get depth(): { readonly normal: number; readonly low: number } {
    return { normal: this.#queued.normal.size, low: this.#queued.low.size }
  }

  /** Keys that are queued, delayed or running. */
  get size(): number {
    return this.#states.size
  }

  #set(key: string, state: KeyState | undefined): boolean {
    const before = this.#states.get(key)
    if (state === undefined) this.#states.delete(key)
    else this.#states.set(key, state)
    if (state?._tag === "Delayed" && !(before?._tag === "Delayed" && before.dueAt === state.dueAt)) {
      this.#schedule({ at: state.dueAt, key })
    }
    const waited = this.#queued.low.has(key) || this.#queued.normal.has(key)
    const lane = state?._tag === "Queued" ? this.#lane(state.request.priority) : undefined
    // Who is promoted comes after those of its new priority.
    for (const other of [this.#queued.low, this.#queued.normal]) if (other !== lane) other.delete(key)
    lane?.add(key)
    return lane !== undefined && !waited
  }

  #lane(priority: Priority.Priority): Set<string> {
    return priority === Priority.low ? this.#queued.low : this.#queued.normal
  }

  /** Insertion by bisection, after those of the same time. */
  #schedule(due: Due): void {
    let low = 0
    let high = this.#due.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const candidate = this.#due[middle]
      if (candidate !== undefined && candidate.at <= due.at) low = middle + 1
      else high = middle
    }
    this.#due.splice(low, 0, due)
  }
}
