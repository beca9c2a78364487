/** Whose turn it is to use a session: first come, first served, with one place that calls which block never take. Pure. */

/** `blocking` calls take as long as they take; a `read` is over soon, and a poll must always find a session. */
export type Kind = "read" | "blocking"

export type InUse = Readonly<Record<Kind, number>>

/**
 * Index of the caller that goes next, undefined while all must wait. `places`: sessions that may be in use at a time. Nobody overtakes another of its kind, and a read overtakes blocking calls only while these have all places but one:
 * whoever waits has its turn when the calls before it have ended.
 */
export const next = (
  waiting: ReadonlyArray<{ readonly kind: Kind }>,
  inUse: InUse,
  places: number
): number | undefined => {
  if (inUse.read + inUse.blocking >= places) return undefined
  const at = inUse.blocking < places - 1 ? 0 : waiting.findIndex(({ kind }) => kind === "read")
  return at >= 0 && at < waiting.length ? at : undefined
}
