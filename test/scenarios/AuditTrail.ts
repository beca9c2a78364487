/** The audit log of a kube-apiserver as a trail of writes, and who held a Lease at the time of each. */
import * as fs from "node:fs"

/** Times in milliseconds since the epoch, with fractions; both are the API server's. */
export interface Write {
  readonly user: string
  readonly verb: string
  /** plural.group, with /subresource. */
  readonly resource: string
  readonly object: string
  readonly received: number
  readonly completed: number
  readonly status: number
  /** Of a Lease: who holds it according to the answer. */
  readonly holder: string | undefined
}

/** One process's time as the holder. */
export interface Term {
  readonly user: string
  readonly holder: string
  readonly from: number
  /** When the write that ended it was answered; Infinity while it lasts. */
  readonly until: number
  /** When its renewals arrived, the first write included. */
  readonly renewals: ReadonlyArray<number>
}

interface Line {
  readonly stage: string
  readonly verb: string
  readonly user: { readonly username: string }
  readonly objectRef?: {
    readonly resource?: string
    readonly subresource?: string
    readonly apiGroup?: string
    readonly namespace?: string
    readonly name?: string
  }
  readonly responseStatus?: { readonly code?: number }
  readonly responseObject?: { readonly spec?: { readonly holderIdentity?: string | null } }
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
}

/** MicroTime: Date reads milliseconds only. */
const millis = (text: string): number => {
  const micros = /\.\d{3}(\d{1,3})/u.exec(text)?.[1] ?? ""
  return Date.parse(text) + Number(micros.padEnd(3, "0")) / 1000
}

const writeOf = (line: Line): Write => {
  const { apiGroup = "", name = "", namespace = "", resource = "", subresource } = line.objectRef ?? {}
  const plural = apiGroup === "" ? resource : `${resource}.${apiGroup}`
  return {
    user: line.user.username,
    verb: line.verb,
    resource: subresource === undefined ? plural : `${plural}/${subresource}`,
    object: `${namespace}/${name}`,
    received: millis(line.requestReceivedTimestamp),
    completed: millis(line.stageTimestamp),
    status: line.responseStatus?.code ?? 0,
    holder: resource === "leases" ? (line.responseObject?.spec?.holderIdentity ?? "") : undefined
  }
}

/** Follows the file: each look reads what has come since the last. */
export const follow = (file: string) => {
  const writes: Array<Write> = []
  let position = 0
  let rest = ""
  const look = (): ReadonlyArray<Write> => {
    const descriptor = fs.openSync(file, "r")
    try {
      const { size } = fs.fstatSync(descriptor)
      const piece = Buffer.alloc(size - position)
      fs.readSync(descriptor, piece, 0, piece.length, position)
      position = size
      const lines = (rest + piece.toString("utf8")).split("\n")
      rest = lines.pop() ?? ""
      for (const text of lines) {
        // The log's own format.
        const line = JSON.parse(text) as Line
        if (line.stage === "ResponseComplete") writes.push(writeOf(line))
      }
    } finally {
      fs.closeSync(descriptor)
    }
    return writes
  }
  return { look }
}

/** Of the Lease `object` (namespace/name), in order; writes that failed changed nothing. */
export const termsOf = (writes: ReadonlyArray<Write>, object: string): ReadonlyArray<Term> => {
  const changes = writes
    .filter((write) => write.holder !== undefined && write.object === object && write.status < 300)
    .toSorted((a, b) => a.completed - b.completed)
  const terms: Array<{ -readonly [K in keyof Term]: Term[K] } & { renewals: Array<number> }> = []
  for (const { completed, holder = "", received, user } of changes) {
    const last = terms.at(-1)
    if (last?.holder === holder && last.until === Infinity) {
      last.renewals.push(received)
      continue
    }
    if (last?.until === Infinity) last.until = completed
    if (holder !== "") terms.push({ user, holder, from: received, until: Infinity, renewals: [received] })
  }
  return terms
}

/** The term of that user in which a moment lies, and not longer after its last renewal than the lease lasts. */
export const termAt = (
  terms: ReadonlyArray<Term>,
  user: string,
  from: number,
  until: number,
  leaseMillis: number
): Term | undefined =>
  terms.find((term) => {
    const renewed = term.renewals.findLast((at) => at <= from)
    return (
      term.user === user &&
      term.from <= from &&
      until <= term.until &&
      renewed !== undefined &&
      from <= renewed + leaseMillis
    )
  })
