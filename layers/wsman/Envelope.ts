/** How large the envelopes of one client are: Windows' limits before and after PSRP 2.2, and what a listener refuses. */
import type { WsmanError } from "./WsmanError.ts"

/** MaxEnvelopeSize that every Windows version accepts (150 KiB). */
const leastBytes = 153_600
/** What Windows accepts by default since it speaks PSRP 2.2 (500 KiB). */
export const usualBytes = 512_000

/** Left free in an envelope, for headers that a proxy or a longer id may add. */
const spareBytes = 256

export interface Envelope {
  /** MaxEnvelopeSize of requests, and what an answer may take. */
  readonly maxBytes: () => number
  /** What a Command or a Send carries beside its `overheadBytes`: bytes before base64. */
  readonly payloadBytes: (overheadBytes: number) => number
  /** To what is usual, unless the listener has refused as much. */
  readonly enlarge: () => void
  /** Takes note of a request that failed: after one that was too large, or allowed too large an answer, they are smaller. */
  readonly learn: (error: WsmanError) => void
}

export const make = (): Envelope => {
  let bytes = leastBytes
  let refused = false
  return {
    maxBytes: () => bytes,
    payloadBytes: (overheadBytes) => Math.floor(((bytes - overheadBytes - spareBytes) * 3) / 4),
    enlarge: () => {
      if (!refused) bytes = usualBytes
    },
    learn: (error) => {
      if (error._tag !== "WsmanFault" || error.classification !== "envelopeTooLarge") return
      refused = true
      bytes = leastBytes
    }
  }
}
