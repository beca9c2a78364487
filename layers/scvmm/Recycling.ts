/** When a session is replaced although it works, looked at, or released: pure (winrm-psrp.md §7). */

/**
 * Calls after which a session is replaced. VMM's cmdlets leave objects and events in their runspace; and WinRM counts
 * operations, of which it allows a user 1,500 at a time, so that a session which lost some of its Terminates goes in time.
 */
const mostCalls = 500

/** Three quarters of MaxMemoryPerShellMB's default, 1,024: VMM's module takes some hundreds of megabytes itself. */
const mostMemoryBytes = 768 * 1024 * 1024

/** Calls from one look at a session's memory to the next: beside the calls, and a fiftieth of an exchange for each. */
export const callsPerLook = 50

/** A session that was idle for longer is looked at before it is lent: WinRM disconnects idle shells from a minute on. */
export const trustedMillis = 30_000

export interface Used {
  /** Calls since it was opened. */
  readonly calls: number
  /** As of the last look; undefined before it, and when the host does not tell. */
  readonly memoryUsedBytes: number | undefined
}

/** Why a session is not to be used again, for its log line. */
export const reasonToReplace = ({ calls, memoryUsedBytes }: Used): string | undefined => {
  if (calls >= mostCalls) return `${calls} calls`
  return memoryUsedBytes !== undefined && memoryUsedBytes > mostMemoryBytes
    ? `${Math.round(memoryUsedBytes / (1024 * 1024))} MB of memory`
    : undefined
}

/** Whether it is time to look at the memory of a session that was last looked at after `lookedAt` calls. */
export const looks = (calls: number, lookedAt: number): boolean => calls - lookedAt >= callsPerLook

export interface Idle {
  /** Monotonic milliseconds. */
  readonly since: number
}

export interface Keeping {
  readonly now: number
  readonly keepAliveMillis: number
  /** One session is kept whatever its age: the one that was used last. */
  readonly warm: boolean
  /** When that was last so; before the beginning of time when it never was. */
  readonly warmUntil: number
}

/**
 * Of the idle sessions, the longest idle first: how many of the first are to be released now, and when the next one is.
 * The session that was kept warm has its whole idle time from then on.
 */
export const release = (
  idle: ReadonlyArray<Idle>,
  { now, keepAliveMillis, warm, warmUntil }: Keeping
): { readonly count: number; readonly nextAt: number | undefined } => {
  const dueAt = ({ since }: Idle, index: number): number =>
    index < idle.length - 1 ? since + keepAliveMillis : warm ? Infinity : Math.max(since, warmUntil) + keepAliveMillis
  let count = 0
  for (const [index, one] of idle.entries()) {
    const at = dueAt(one, index)
    if (at > now) return { count, nextAt: at === Infinity ? undefined : at }
    count += 1
  }
  return { count, nextAt: undefined }
}
