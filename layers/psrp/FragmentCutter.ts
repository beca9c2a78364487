/** Messages on their way out, cut into fragments as large as envelopes happen to be when each leaves. */
import { concatBytes, encodeFragment, fragmentHeaderBytes } from "./Fragment.ts"

export interface OutgoingMessage {
  readonly objectId: bigint
  readonly bytes: Uint8Array
}

interface Place {
  readonly message: number
  readonly fragmentId: bigint
  /** Bytes of the message that are before it. */
  readonly offset: number
}

/** Mutable. A piece that was not accepted is cut anew, smaller perhaps: PSRP asks of fragments only that their ids follow. */
export class FragmentCutter {
  private readonly messages: ReadonlyArray<OutgoingMessage>
  private here: Place = { message: 0, fragmentId: 0n, offset: 0 }
  private after: Place = this.here

  constructor(messages: ReadonlyArray<OutgoingMessage>) {
    this.messages = messages
  }

  /**
   * Encoded fragments of at most `maxBytes` in all: the rest of as many messages as fit, or the next part of one that does
   * not. Undefined when all is accepted. `maxBytes` must exceed a header's 21 bytes.
   */
  next(maxBytes: number): Uint8Array | undefined {
    if (maxBytes <= fragmentHeaderBytes)
      throw new RangeError(`a fragment of ${maxBytes} bytes has no room for a payload`)
    const fragments: Array<Uint8Array> = []
    let room = Math.floor(maxBytes)
    let place = this.here
    for (let next = this.messages[place.message]; next !== undefined; next = this.messages[place.message]) {
      const { objectId, bytes } = next
      const { message, fragmentId, offset } = place
      const end = bytes.length - offset + fragmentHeaderBytes <= room
      if (!end && fragments.length > 0) break
      const until = end ? bytes.length : offset + room - fragmentHeaderBytes
      const blob = bytes.subarray(offset, until)
      fragments.push(encodeFragment({ objectId, fragmentId, start: fragmentId === 0n, end, blob }))
      room -= blob.length + fragmentHeaderBytes
      place = end
        ? { message: message + 1, fragmentId: 0n, offset: 0 }
        : { message, fragmentId: fragmentId + 1n, offset: until }
      if (!end) break
    }
    this.after = place
    return fragments.length === 0 ? undefined : concatBytes(fragments)
  }

  /** The far side has what `next` answered last. */
  accept(): void {
    this.here = this.after
  }
}
