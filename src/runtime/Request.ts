/** What a controller works on: the key of one object, and what woke it. */
import type * as Tracer from "effect/Tracer"
import type { ObjectKey } from "../../schemas/kube/ObjectMeta.ts"
import * as Priority from "./Priority.ts"

export interface Request {
  readonly key: ObjectKey
  /** Carried into the log and the span, never branched on. */
  readonly reason: string
  readonly priority: Priority.Priority
  /** Spans that asked for this reconcile: the reconcile is a trace of its own, linked to them. */
  readonly links: ReadonlyArray<Tracer.AnySpan>
}

/** Links of one reconcile: enough to find the cause, bounded however long a key stays queued. */
const linkLimit = 8

export const make = (
  key: ObjectKey,
  reason: string,
  priority: Priority.Priority = Priority.normal,
  link?: Tracer.AnySpan
): Request => ({
  key,
  reason,
  priority,
  links: link === undefined ? [] : [link]
})

/** One reconcile for both: the first reason names it, the higher priority counts, the links of both are kept. */
export const merge = (first: Request, second: Request): Request => ({
  ...first,
  priority: Priority.higher(first.priority, second.priority),
  links: [...first.links, ...second.links.filter((link) => !first.links.includes(link))].slice(0, linkLimit)
})

/** The key as one string; "/" occurs in neither a namespace nor a name. */
export const keyText = (key: ObjectKey): string => `${key.namespace}/${key.name}`
