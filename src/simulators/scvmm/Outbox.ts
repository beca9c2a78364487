/** What the server has for one Receive: pieces of a shell's streams or of one of its commands', in order, until it is done. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

/** Some bytes of a stream: of PowerShell's one fragment, of a process what it wrote at once. */
export interface Piece {
  readonly stream: string
  readonly data: Uint8Array
}

export interface Batch {
  readonly pieces: ReadonlyArray<Piece>
  /** "Done": nothing will follow. "Gone": the shell was closed meanwhile. */
  readonly state: "Running" | "Done" | "Gone"
  /** With Done. */
  readonly exitCode: number
}

/**
 * How a listener answers a Receive. "Gathered", as WinRM does: PowerShell hands it a pipeline's output without
 * WSMAN_FLAG_RECEIVE_FLUSH, so that it collects what comes until the envelope is full or the command has ended; recorded
 * answers to short pipelines hold everything, PIPELINE_STATE and Done included. "Piecewise", as OMI does: one fragment an
 * answer, then Done alone.
 */
export type Delivery = "Gathered" | "Piecewise"

export interface Outbox {
  /** `flush`: a Receive that waits is answered with it at once. */
  readonly push: (pieces: ReadonlyArray<Piece>, flush: boolean) => void
  /** Gives back what was taken and did not reach its client: the next taker gets it first. */
  readonly restore: (pieces: ReadonlyArray<Piece>) => void
  /** What is in it is still handed out. */
  readonly finish: (exitCode: number) => void
  /** Whatever is in it is lost; waiters are answered at once. */
  readonly abandon: () => void
  /**
   * Waits for something, then takes as many pieces as fit `maxBytes` with the markup around them; of one that does not fit
   * alone, as much as does. Interrupted, it takes none.
   */
  readonly take: (maxBytes: number) => Effect.Effect<Batch>
}

/** For so long output is collected that nothing flushes. Recordings show that it is; not for how long. */
const gatherMillis = 50

/** What a Stream element takes beside its base64 text, in bytes before base64. */
export const pieceOverhead = 96

const costOf = ({ data }: Piece): number => data.length + pieceOverhead

export const make = (delivery: Delivery): Outbox => {
  const ready = Latch.makeUnsafe(false)
  const flushed = Latch.makeUnsafe(false)
  const waiting: Array<Piece> = []
  let bytes = 0
  let exitCode = 0
  let end: "Done" | "Gone" | undefined

  /** Cuts the first piece where it alone is too large. */
  const cut = (first: Piece, maxBytes: number): Piece => {
    const room = Math.max(1, Math.floor(maxBytes) - pieceOverhead)
    if (first.data.length <= room) return first
    waiting.splice(
      0,
      1,
      { ...first, data: first.data.subarray(0, room) },
      { ...first, data: first.data.subarray(room) }
    )
    bytes += pieceOverhead
    return waiting[0] ?? first
  }

  const drain = (maxBytes: number): Batch | undefined => {
    if (end === "Gone") return { pieces: [], state: "Gone", exitCode }
    const pieces: Array<Piece> = []
    let size = 0
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (pieces.length === 0) next = cut(next, maxBytes)
      else if (delivery === "Piecewise" || size + costOf(next) > maxBytes) break
      pieces.push(next)
      size += costOf(next)
      waiting.shift()
    }
    bytes -= size
    if (waiting.length === 0 && end === undefined) {
      ready.closeUnsafe()
      flushed.closeUnsafe()
    }
    const whole = delivery === "Gathered" || pieces.length === 0
    const state = waiting.length === 0 && end !== undefined && whole ? end : "Running"
    return pieces.length === 0 && state === "Running" ? undefined : { pieces, state, exitCode }
  }

  const gathered = (maxBytes: number): Effect.Effect<void> =>
    Effect.suspend(() =>
      delivery === "Piecewise" || bytes >= maxBytes
        ? Effect.void
        : Effect.raceFirst(flushed.await, Effect.sleep(gatherMillis))
    )

  const take = (maxBytes: number): Effect.Effect<Batch> =>
    ready.await.pipe(
      Effect.andThen(gathered(maxBytes)),
      Effect.flatMap(() => {
        const batch = drain(maxBytes)
        // Another Receive was quicker.
        return batch === undefined ? take(maxBytes) : Effect.succeed(batch)
      })
    )

  const open = (flush: boolean): void => {
    ready.openUnsafe()
    if (flush) flushed.openUnsafe()
  }

  const sum = (pieces: ReadonlyArray<Piece>): number => pieces.reduce((total, piece) => total + costOf(piece), 0)

  return {
    push: (pieces, flush) => {
      if (end !== undefined || pieces.length === 0) return
      waiting.push(...pieces)
      bytes += sum(pieces)
      open(flush)
    },
    restore: (pieces) => {
      if (end === "Gone" || pieces.length === 0) return
      waiting.unshift(...pieces)
      bytes += sum(pieces)
      open(true)
    },
    finish: (code) => {
      if (end === undefined) exitCode = code
      end ??= "Done"
      open(true)
    },
    abandon: () => {
      end = "Gone"
      open(true)
    },
    take
  }
}
