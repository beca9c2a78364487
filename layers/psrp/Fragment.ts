/** PSRP fragments (MS-PSRP §2.2.4): a message cut into pieces that fit one envelope, and put together again. */
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** Header: ObjectId u64, FragmentId u64, flags u8, blob length u32, all big-endian. */
export const fragmentHeaderBytes = 21
const startFlag = 1
const endFlag = 2

/** The bytes are not a sequence of fragments in order. */
export class FragmentError extends Data.TaggedError("FragmentError")<{ readonly reason: string }> {
  override get message() {
    return `PSRP fragment: ${this.reason}`
  }
}

export interface Fragment {
  /** From 1, one more for each message of a direction, across a session's pool and pipelines. */
  readonly objectId: bigint
  /** From 0, consecutive within an object. */
  readonly fragmentId: bigint
  readonly start: boolean
  readonly end: boolean
  readonly blob: Uint8Array
}

export const encodeFragment = (fragment: Fragment): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(fragmentHeaderBytes + fragment.blob.length)
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, fragment.objectId)
  view.setBigUint64(8, fragment.fragmentId)
  view.setUint8(16, (fragment.start ? startFlag : 0) | (fragment.end ? endFlag : 0))
  view.setUint32(17, fragment.blob.length)
  bytes.set(fragment.blob, fragmentHeaderBytes)
  return bytes
}

/**
 * Cuts a message into encoded fragments of at most `maxBytes` each, header included.
 * `maxBytes` must exceed the header's 21 bytes.
 */
export const splitMessage = (
  objectId: bigint,
  message: Uint8Array,
  maxBytes: number
): Array<Uint8Array<ArrayBuffer>> => {
  const room = Math.floor(maxBytes) - fragmentHeaderBytes
  if (room < 1) throw new RangeError(`a fragment of ${maxBytes} bytes has no room for a payload`)
  const count = Math.max(1, Math.ceil(message.length / room))
  return Array.from({ length: count }, (_, index) =>
    encodeFragment({
      objectId,
      fragmentId: BigInt(index),
      start: index === 0,
      end: index === count - 1,
      blob: message.subarray(index * room, (index + 1) * room)
    })
  )
}

export const concatBytes = (pieces: ReadonlyArray<Uint8Array>): Uint8Array<ArrayBuffer> => {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

/** How far one direction of a session has come: its ObjectIds have no gaps, whatever the messages are about. */
export interface ObjectSequence {
  last: bigint
}

interface Assembly {
  next: bigint
  bytes: number
  readonly blobs: Array<Uint8Array>
}

/**
 * Puts one stream's fragments together; what comes a second time is dropped. Mutable; after an error the stream is
 * unusable.
 */
export class Defragmenter {
  private pending: Uint8Array = new Uint8Array(0)
  private readonly objects = new Map<bigint, Assembly>()
  private readonly complete = new Set<bigint>()
  private readonly maxMessageBytes: number
  private readonly sequence: ObjectSequence
  private resumed = false

  /** `sequence`: of the session that the stream belongs to; without one nobody can tell what a `resume` has missed. */
  constructor(options: { readonly maxMessageBytes?: number; readonly sequence?: ObjectSequence } = {}) {
    this.maxMessageBytes = options.maxMessageBytes ?? 64 * 1024 * 1024
    this.sequence = options.sequence ?? { last: 0n }
  }

  /** Whether no message is incomplete. */
  get idle(): boolean {
    return this.pending.length === 0 && this.objects.size === 0
  }

  /** Some of the stream may be lost: the next object must follow on what was seen, or it is an error. */
  resume(): void {
    this.resumed = true
  }

  /** Takes the next bytes of the stream, cut anywhere; answers the messages that they complete, in order. */
  push(data: Uint8Array): Result.Result<Array<Uint8Array>, FragmentError> {
    const bytes = this.pending.length === 0 ? data : concatBytes([this.pending, data])
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const messages: Array<Uint8Array> = []
    let at = 0
    while (bytes.length - at >= fragmentHeaderBytes) {
      const length = view.getUint32(at + 17)
      if (length > this.maxMessageBytes) return Result.fail(new FragmentError({ reason: `a blob of ${length} bytes` }))
      if (bytes.length - at - fragmentHeaderBytes < length) break
      const flags = view.getUint8(at + 16)
      const message = this.take({
        objectId: view.getBigUint64(at),
        fragmentId: view.getBigUint64(at + 8),
        start: (flags & startFlag) !== 0,
        end: (flags & endFlag) !== 0,
        blob: bytes.subarray(at + fragmentHeaderBytes, at + fragmentHeaderBytes + length)
      })
      if (Result.isFailure(message)) return Result.fail(message.failure)
      if (message.success !== undefined) messages.push(message.success)
      at += fragmentHeaderBytes + length
    }
    this.pending = bytes.slice(at)
    return Result.succeed(messages)
  }

  private take(fragment: Fragment): Result.Result<Uint8Array | undefined, FragmentError> {
    const { objectId, fragmentId, start, end, blob } = fragment
    const fail = (reason: string) => Result.fail(new FragmentError({ reason: `object ${objectId}: ${reason}` }))
    if (start !== (fragmentId === 0n)) return fail(`fragment ${fragmentId} with start flag ${start}`)
    let partial = this.objects.get(objectId)
    if (this.complete.has(objectId) || (partial !== undefined && fragmentId < partial.next))
      return Result.succeed(undefined)
    if (partial === undefined) {
      if (!start) return fail(`fragment ${fragmentId} without a start`)
      if (this.resumed && objectId !== this.sequence.last + 1n)
        return fail(`follows on object ${this.sequence.last}, of which some is lost`)
      this.resumed = false
      if (objectId > this.sequence.last) this.sequence.last = objectId
      partial = { next: 0n, bytes: 0, blobs: [] }
    }
    if (fragmentId !== partial.next) return fail(`fragment ${fragmentId} where ${partial.next} was due`)
    partial.next++
    partial.bytes += blob.length
    if (partial.bytes > this.maxMessageBytes) return fail(`more than ${this.maxMessageBytes} bytes`)
    // A copy of what waits: the caller may reuse its buffer meanwhile.
    partial.blobs.push(end ? blob : blob.slice())
    if (!end) {
      this.objects.set(objectId, partial)
      return Result.succeed(undefined)
    }
    this.objects.delete(objectId)
    this.complete.add(objectId)
    const only = partial.blobs[0]
    return Result.succeed(partial.blobs.length === 1 && only !== undefined ? only : concatBytes(partial.blobs))
  }
}

/** Every fragment of a complete buffer, as the payload of one Stream element or of creationXml. */
export const decodeFragments = (data: Uint8Array): Result.Result<Array<Fragment>, FragmentError> => {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const fragments: Array<Fragment> = []
  let at = 0
  while (at < data.length) {
    const length = data.length - at < fragmentHeaderBytes ? Infinity : view.getUint32(at + 17)
    const end = at + fragmentHeaderBytes + length
    if (end > data.length) return Result.fail(new FragmentError({ reason: "truncated" }))
    const flags = view.getUint8(at + 16)
    fragments.push({
      objectId: view.getBigUint64(at),
      fragmentId: view.getBigUint64(at + 8),
      start: (flags & startFlag) !== 0,
      end: (flags & endFlag) !== 0,
      blob: data.subarray(at + fragmentHeaderBytes, end)
    })
    at = end
  }
  return Result.succeed(fragments)
}
