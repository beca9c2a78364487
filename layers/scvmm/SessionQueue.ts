/** Callers and the sessions that they wait for: who gets which, and who gets none. Changes between two yields only. */
import * as Deferred from "effect/Deferred"
import * as Exit from "effect/Exit"
import type { Capacity } from "./Capacity.ts"
import type { Idle } from "./Recycling.ts"
import * as Turn from "./Turn.ts"
import type { DialError } from "./Unavailability.ts"

/** Somebody who waits for a session, or has one. */
export interface Caller<S> {
  readonly kind: Turn.Kind
  readonly served: Deferred.Deferred<S, DialError>
  /** Its session, from the moment it is given one. */
  session: S | undefined
}

/**
 * Expected flow: `ask`, then `serve` whenever a session or a place came free; a caller that was given a session leaves by
 * `leave`, one that gives up before by `withdraw`.
 *
 * Guarantees: the session that was used last is lent first, so that others may become idle; turns by Turn. A call that blocks
 * never takes the last session that is left for reads, unless there is to be no second one.
 */
export class SessionQueue<S extends Idle> {
  /** Free sessions, the longest idle first. */
  readonly idle: Array<S> = []
  readonly inUse: Record<Turn.Kind, number> = { read: 0, blocking: 0 }
  readonly #waiting: Array<Caller<S>> = []
  readonly #capacity: Pick<Capacity, "places" | "single">

  constructor(capacity: Pick<Capacity, "places" | "single">) {
    this.#capacity = capacity
  }

  /** `first`: before all others, for a caller whose turn it was already. */
  ask(kind: Turn.Kind, first = false): Caller<S> {
    const caller: Caller<S> = { kind, served: Deferred.makeUnsafe(), session: undefined }
    if (first) this.#waiting.unshift(caller)
    else this.#waiting.push(caller)
    return caller
  }

  /** A session that is free, be it new or given back. */
  add(session: S): void {
    // Most often it is the last: one that was not used in the meantime goes back to where it was.
    const at = this.idle.findLastIndex(({ since }) => since <= session.since) + 1
    this.idle.splice(at, 0, session)
  }

  /** Takes free sessions away. */
  remove(which: (session: S, index: number) => boolean): ReadonlyArray<S> {
    const removed = this.idle.filter(which)
    if (removed.length > 0) this.idle.splice(0, this.idle.length, ...this.idle.filter((one) => !removed.includes(one)))
    return removed
  }

  withdraw(caller: Caller<S>): void {
    const at = this.#waiting.indexOf(caller)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  leave(caller: Caller<S>): void {
    this.inUse[caller.kind] -= 1
  }

  /** Gives free sessions to those whose turn it is. Answers whether somebody has a turn, but there is no session for it. */
  serve(): boolean {
    for (;;) {
      const places = this.#capacity.places()
      // While more can be had, only what is there counts: how many a host takes is not known before.
      const there = this.idle.length + this.inUse.read + this.inUse.blocking
      const at = Turn.next(this.#waiting, this.inUse, this.#capacity.single() ? places : Math.min(places, there))
      const session = at === undefined ? undefined : this.idle.pop()
      if (at === undefined || session === undefined) return Turn.next(this.#waiting, this.inUse, places) !== undefined
      const [caller] = this.#waiting.splice(at, 1)
      if (caller === undefined) return false
      caller.session = session
      this.inUse[caller.kind] += 1
      Deferred.doneUnsafe(caller.served, Exit.succeed(session))
    }
  }

  /**
   * A dial failed: those hear of it whose turn it is and who have no session; while none is in use at all, and when there is
   * to be no further session, everybody. Who else waits does so for a session that is in use.
   */
  disappoint(exit: Exit.Exit<never, DialError>, everybody = this.inUse.read + this.inUse.blocking === 0): void {
    const turns = { ...this.inUse }
    const told: Array<Caller<S>> = []
    for (;;) {
      const at = everybody ? 0 : Turn.next(this.#waiting, turns, this.#capacity.places())
      const [caller] = at === undefined ? [] : this.#waiting.splice(at, 1)
      if (caller === undefined) break
      turns[caller.kind] += 1
      told.push(caller)
    }
    // After the loop: they go on at once, and may ask anew.
    for (const caller of told) Deferred.doneUnsafe(caller.served, exit)
  }
}
