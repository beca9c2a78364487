/** PSRP fragments as a wire recording shows them: their number, ids and flags are kept, what they hold is a redacted message's. */
import * as Result from "effect/Result"
import { concatBytes, decodeFragments, encodeFragment, type Fragment } from "./Fragment.ts"
import type { MessageRedaction } from "./RedactedMessage.ts"

/** A fragment whose content is known only once its message is whole. */
interface Slot {
  readonly fragment: Fragment
  blob: Uint8Array | undefined
  /** Nothing of it may be shown. */
  withheld: boolean
}

/** What one Stream element, Arguments or creationXml held. */
export interface Payload {
  /** Whether nothing more need be waited for. */
  readonly settled: () => boolean
  /** Fragments again; of what is withheld or waited for still, without content. */
  readonly bytes: () => Uint8Array
  /** Sizes of what is not shown. */
  readonly withheld: () => ReadonlyArray<string>
}

/** A client looks for a message's addresses in its first fragment. */
const headerBytes = 40

/** Fills slots in order, each with as much as it held; the last takes what is left. */
const fill = (slots: ReadonlyArray<Slot>, message: Uint8Array): void => {
  let at = 0
  for (const [index, slot] of slots.entries()) {
    const last = index === slots.length - 1
    const room = index === 0 ? Math.max(slot.fragment.blob.length, headerBytes) : slot.fragment.blob.length
    const end = last ? message.length : Math.min(message.length, at + room)
    slot.blob = message.subarray(at, end)
    at = end
  }
}

const nothing = new Uint8Array(0)

/** The streams of one client, both ways. Mutable. */
export class FragmentRedaction {
  private readonly open = new Map<string, Array<Slot>>()
  private readonly messages: MessageRedaction

  constructor(messages: MessageRedaction) {
    this.messages = messages
  }

  /**
   * Takes the next payload of a direction, over pool and pipelines: they share their object ids. Gives the titles of the messages
   * that it completes, too.
   */
  take(
    direction: "request" | "answer",
    data: Uint8Array
  ): { readonly payload: Payload; readonly titles: ReadonlyArray<string> } {
    const decoded = decodeFragments(data)
    if (Result.isFailure(decoded)) {
      const withheld = [`${data.length} bytes that are no fragments`]
      return { payload: { settled: () => true, bytes: () => nothing, withheld: () => withheld }, titles: [] }
    }
    const titles: Array<string> = []
    const slots = decoded.success.map((fragment): Slot => {
      const slot: Slot = { fragment, blob: undefined, withheld: false }
      const title = this.place(`${direction} ${fragment.objectId}`, slot)
      if (title !== undefined) titles.push(title)
      return slot
    })
    return {
      titles,
      payload: {
        settled: () => slots.every(({ blob, withheld }) => withheld || blob !== undefined),
        bytes: () =>
          concatBytes(slots.map(({ fragment, blob }) => encodeFragment({ ...fragment, blob: blob ?? nothing }))),
        withheld: () =>
          slots
            .filter(({ blob }) => blob === undefined)
            .map(
              ({ fragment }) =>
                `object ${fragment.objectId}, fragment ${fragment.fragmentId}: ${fragment.blob.length} bytes`
            )
      }
    }
  }

  /** Messages that are not whole by now will not be any more. */
  abandon(): void {
    for (const slots of this.open.values()) withhold(slots)
    this.open.clear()
  }

  private place(key: string, slot: Slot): string | undefined {
    const { fragment } = slot
    const before = this.open.get(key) ?? []
    if (fragment.fragmentId !== BigInt(before.length) || fragment.start !== (before.length === 0)) {
      this.open.delete(key)
      withhold([...before, slot])
      return undefined
    }
    const slots = [...before, slot]
    if (!fragment.end) {
      this.open.set(key, slots)
      return undefined
    }
    this.open.delete(key)
    const { bytes, title } = this.messages.redact(concatBytes(slots.map((part) => part.fragment.blob)))
    if (bytes === undefined) withhold(slots)
    else fill(slots, bytes)
    return title === "" ? undefined : title
  }
}

const withhold = (slots: ReadonlyArray<Slot>): void => {
  for (const slot of slots) slot.withheld = true
}
