/** Whether this process may still change anything: asked directly before the bytes of a request leave (design D11). */
import * as Schema from "effect/Schema"
import type { Retry } from "../schemas/Retry.ts"

/** Another replica leads, or may by now: nothing was sent. */
export class NotLeader extends Schema.TaggedError<NotLeader>()("NotLeader", { detail: Schema.String }) {
  readonly retry: Retry = "backoff"
  override get message(): string {
    return `not sent: this process is not the leader (${this.detail})`
  }
}

/**
 * Guarantees: `refusal` is synchronous and looks at the clock, so that a process that was stopped past its lease is refused
 * before anything in it has noticed.
 *
 * Assumptions: between the answer and the write to the socket lies no more than the machine may take for it; what leaves in
 * that gap, and what is on its way already, arrives within the time that a lease outlasts its renewal deadline.
 */
export interface Fence {
  readonly refusal: () => NotLeader | undefined
}

const reading: ReadonlySet<string> = new Set(["GET", "HEAD"])

/** What a request of this method is to fail with, if it must not leave. Reading changes nothing and is not fenced. */
export const refusalOf = (fence: Fence | undefined, method: string): NotLeader | undefined =>
  reading.has(method) ? undefined : fence?.refusal()
