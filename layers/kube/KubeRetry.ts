/** Which failed requests are repeated at once, how often and after how long, as client-go does; pure. */
import { classify } from "../DialFailure.ts"
import type { KubeError } from "./KubeError.ts"

/** client-go's: repetitions of one request. */
const mostRepetitions = 10
/** Most often a lost connection is a keep-alive socket that was closed meanwhile: the next one tells. */
const mostReconnections = 1
/** Milliseconds after which a request is not sent again: longer waits belong to the queue, which has other work meanwhile. */
const budget = 30_000

export interface Attempt {
  /** Repetitions so far. */
  readonly repeated: number
  /** Milliseconds since the request was first sent: a server may take long to turn it away. */
  readonly elapsed: number
  /** Whether the request changes nothing. */
  readonly reading: boolean
  /** From [0, 1): so that those who were turned away together do not come back together. */
  readonly chance: number
}

/**
 * Milliseconds to wait before the request is sent again; undefined leaves the error to the caller.
 *
 * A 429 was turned away before it was looked at, so every verb is repeated. 5xx with a Retry-After (ServerTimeout,
 * Timeout, a server that shuts down) and a lost connection leave open what happened: only reading is repeated.
 */
export const pause = (error: KubeError, { repeated, elapsed, reading, chance }: Attempt): number | undefined => {
  if (repeated >= mostRepetitions) return undefined
  /** Never sooner than asked; who is turned away again and again waits longer than that. */
  const asked = (seconds: number): number => Math.max(seconds * 1000, 250 * 2 ** repeated) * (1 + chance / 4)
  const after = (): number | undefined => {
    switch (error._tag) {
      case "KubeTooManyRequests":
        return asked(error.retryAfterSeconds)
      case "KubeServerFault":
        return reading && error.retryAfterSeconds !== undefined ? asked(error.retryAfterSeconds) : undefined
      case "KubeUnreachable":
        return reading && repeated < mostReconnections && classify(error.cause).kind === "reset"
          ? 100 * (1 + chance)
          : undefined
      default:
        return undefined
    }
  }
  const wait = after()
  return wait === undefined || elapsed + wait > budget ? undefined : wait
}
