/** What the server has for one Receive: fragments of a shell or of one of its commands, in order, until it is done. */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"

export interface Batch {
  readonly fragments: ReadonlyArray<Uint8Array>
  /** "Done": nothing will follow. "Gone": the shell was closed meanwhile. */
  readonly state: "Running" | "Done" | "Gone"
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
  readonly push: (fragments: ReadonlyArray<Uint8Array>, flush: boolean) => void
  /** Gives back what was taken and did not reach its client: the next taker gets it first. */
  readonly restore: (fragments: ReadonlyArray<Uint8Array>) => void
  /** What is in it is still handed out. */
  readonly finish: () => void
  /** Whatever is in it is lost; waiters are answered at once. */
  readonly abandon: () => void
  /** Waits for something, then takes as many fragments as fit `maxBytes`, at least one. Interrupted, it takes none. */
  readonly take: (maxBytes: number) => Effect.Effect<Batch>
}

/** For so long output is collected that nothing flushes. Recordings show that it is; not for how long. */
const gatherMillis = 50

export const make = (delivery: Delivery): Outbox => {
  const ready = Latch.makeUnsafe(false)
  const flushed = Latch.makeUnsafe(false)
  const waiting: Array<Uint8Array> = []
  let bytes = 0
  let end: "Done" | "Gone" | undefined

  const drain = (maxBytes: number): Batch | undefined => {
    if (end === "Gone") return { fragments: [], state: "Gone" }
    const fragments: Array<Uint8Array> = []
    let size = 0
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (fragments.length > 0 && (delivery === "Piecewise" || size + next.length > maxBytes)) break
      fragments.push(next)
      size += next.length
      waiting.shift()
    }
    bytes -= size
    if (waiting.length === 0 && end === undefined) {
      ready.closeUnsafe()
      flushed.closeUnsafe()
    }
    const whole = delivery === "Gathered" || fragments.length === 0
    const state = waiting.length === 0 && end !== undefined && whole ? end : "Running"
    return fragments.length === 0 && state === "Running" ? undefined : { fragments, state }
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

  const sum = (fragments: ReadonlyArray<Uint8Array>): number =>
    fragments.reduce((total, { length }) => total + length, 0)

  return {
    push: (fragments, flush) => {
      if (end !== undefined || fragments.length === 0) return
      waiting.push(...fragments)
      bytes += sum(fragments)
      open(flush)
    },
    restore: (fragments) => {
      if (end === "Gone" || fragments.length === 0) return
      waiting.unshift(...fragments)
      bytes += sum(fragments)
      open(true)
    },
    finish: () => {
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
