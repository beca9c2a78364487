/** metav1.Condition, and the pure way to set one. */
import * as Schema from "effect/Schema"

export const Status = Schema.Literals(["True", "False", "Unknown"])
export type Status = typeof Status.Type

/** A condition as we write it: every field of metav1.Condition present (contract rule 27). */
export interface Condition {
  readonly type: string
  readonly status: Status
  readonly reason: string
  readonly message: string
  readonly lastTransitionTime: string
  readonly observedGeneration?: number
}

/** A condition as it may be stored: old objects carry severity, an empty reason, no message (checklist 3). */
export const Condition = Schema.Struct({
  type: Schema.String,
  status: Status,
  reason: Schema.optionalKey(Schema.String),
  message: Schema.optionalKey(Schema.String),
  lastTransitionTime: Schema.optionalKey(Schema.String),
  observedGeneration: Schema.optionalKey(Schema.Int)
})
export type StoredCondition = typeof Condition.Type

/** What a decision says of one condition; time and generation are added when it is stored. */
export interface Finding {
  readonly type: string
  readonly status: Status
  /** CamelCase, never empty. */
  readonly reason: string
  readonly message: string
}

/** Longer ones are refused by the API server, and by Cluster API where it copies them (contract rule 27). */
const messageLimit = 32_768

const clip = (message: string): string =>
  message.length <= messageLimit ? message : `${message.slice(0, messageLimit - 1).toWellFormed()}…`

export const finding = (type: string, status: Status, reason: string, message = ""): Finding => ({
  type,
  status,
  reason,
  message
})

/**
 * The conditions after `findings`, sorted by type; a message that is too long is cut. The transition time changes with the
 * status alone, and stored conditions of other types stay, mended to metav1's shape.
 */
export const merge = (
  stored: ReadonlyArray<StoredCondition>,
  findings: ReadonlyArray<Finding>,
  now: string,
  generation: number | undefined
): ReadonlyArray<Condition> => {
  const conditions = new Map<string, Condition>()
  for (const old of stored) {
    conditions.set(old.type, {
      type: old.type,
      status: old.status,
      reason: old.reason === undefined || old.reason === "" ? "Unspecified" : old.reason,
      message: old.message ?? "",
      lastTransitionTime: old.lastTransitionTime ?? now,
      ...(old.observedGeneration !== undefined && { observedGeneration: old.observedGeneration })
    })
  }
  for (const finding of findings) {
    const old = conditions.get(finding.type)
    conditions.set(finding.type, {
      ...finding,
      message: clip(finding.message),
      lastTransitionTime: old !== undefined && old.status === finding.status ? old.lastTransitionTime : now,
      ...(generation !== undefined && { observedGeneration: generation })
    })
  }
  return [...conditions.values()].toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0))
}
