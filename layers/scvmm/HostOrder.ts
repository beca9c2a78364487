/** Which exec hosts a dial tries, in which order, and when sessions go back to the first: pure. */

export interface HostState {
  readonly ok: boolean
  /** Failures since the last success. */
  readonly failures: number
  /** Monotonic milliseconds: until then it is tried only when no other host is left. */
  readonly until: number
}

/** What is known of the hosts of one provider; of those that were never dialled, nothing. */
export type HostStates = ReadonlyMap<string, HostState>

const firstMillis = 30_000
const longestMillis = 10 * 60_000

/** After a dial of one host: a failed one is left alone for 30 s, doubled with each further failure to at most 10 min. */
export const after = (states: HostStates, host: string, ok: boolean, now: number): HostStates => {
  const failures = ok ? 0 : (states.get(host)?.failures ?? 0) + 1
  const millis = ok ? 0 : Math.min(firstMillis * 2 ** Math.min(failures - 1, 16), longestMillis)
  return new Map(states).set(host, { ok, failures, until: now + millis })
}

const rests = (states: HostStates, host: string, now: number): boolean => {
  const state = states.get(host)
  return state !== undefined && !state.ok && now < state.until
}

/** Hosts to try, in the provider's order; those that failed a short while ago come last, so that nothing is left untried. */
export const order = (hosts: ReadonlyArray<string>, states: HostStates, now: number): ReadonlyArray<string> => [
  ...hosts.filter((host) => !rests(states, host, now)),
  ...hosts.filter((host) => rests(states, host, now))
]

const before = (hosts: ReadonlyArray<string>, host: string): ReadonlyArray<string> =>
  hosts.slice(0, Math.max(0, hosts.indexOf(host)))

/** Whether a session on this host gives way: one that the provider prefers takes sessions again. */
export const givesWay = (hosts: ReadonlyArray<string>, states: HostStates, host: string): boolean =>
  before(hosts, host).some((preferred) => states.get(preferred)?.ok === true)

/** Preferred hosts that a session on this host has outlasted the rest of: they are worth a dial, and only they. */
export const worthTrying = (
  hosts: ReadonlyArray<string>,
  states: HostStates,
  host: string,
  now: number
): ReadonlyArray<string> => before(hosts, host).filter((preferred) => !rests(states, preferred, now))
