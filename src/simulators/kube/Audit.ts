/** Who wrote what: the last writes that reached the API server, for tests and summaries. */

export interface AuditEntry {
  readonly user: string
  readonly verb: string
  readonly group: string
  readonly plural: string
  readonly subresource: string
  readonly namespace: string
  /** Of a created object the name that it got. */
  readonly name: string
  /** That the write left the object under, removals included; "" for refusals, dry runs of creations and collections. */
  readonly resourceVersion: string
  readonly code: number
  readonly millis: number
}

export interface Audit {
  /** Every request so far, reads included. */
  readonly requests: () => number
  /** Writes that were accepted, ever. */
  readonly writes: () => number
  /** The last writes, refused ones included, oldest first. */
  readonly recent: () => ReadonlyArray<AuditEntry>
  readonly countRequest: () => void
  readonly record: (entry: AuditEntry) => void
}

export const make = (keep: number): Audit => {
  let entries: Array<AuditEntry> = []
  let requests = 0
  let writes = 0
  return {
    requests: () => requests,
    writes: () => writes,
    recent: () => entries.slice(-keep),
    countRequest: () => {
      requests += 1
    },
    record: (entry) => {
      if (entry.code < 300) writes += 1
      entries.push(entry)
      if (entries.length > 2 * keep) entries = entries.slice(-keep)
    }
  }
}
