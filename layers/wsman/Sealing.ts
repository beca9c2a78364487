/** Sealed envelopes in HTTP bodies: multipart/encrypted as WinRM writes it (MS-WSMV §2.2.9.1.1.1). */
import * as Data from "effect/Data"
import * as Result from "effect/Result"

/** One sealed envelope. */
export interface SealedBody {
  readonly signature: Uint8Array
  readonly data: Uint8Array
}

/** The body cannot be read as one sealed envelope. */
export class SealedBodyError extends Data.TaggedError("SealedBodyError")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

const protocol = "application/HTTP-SPNEGO-session-encrypted"
const boundary = "Encrypted Boundary"
const original = "application/soap+xml;charset=UTF-8"

export const sealedContentType = `multipart/encrypted;protocol="${protocol}";boundary="${boundary}"`

/** Whether a body of this content type is sealed. */
export const isSealed = (contentType: string | undefined): boolean =>
  /^\s*multipart\/encrypted\s*(?:;|$)/iu.test(contentType ?? "")

const signatureLength = 16
const encoder = new TextEncoder()

export const encodeSealed = ({ signature, data }: SealedBody): Uint8Array => {
  const head = encoder.encode(
    `--${boundary}\r\n\tContent-Type: ${protocol}\r\n\tOriginalContent: type=${original};Length=${data.length}\r\n` +
      `--${boundary}\r\n\tContent-Type: application/octet-stream\r\n`
  )
  const tail = encoder.encode(`--${boundary}--\r\n`)
  const body = new Uint8Array(head.length + 4 + signature.length + data.length + tail.length)
  body.set(head)
  new DataView(body.buffer).setUint32(head.length, signature.length, true)
  body.set(signature, head.length + 4)
  body.set(data, head.length + 4 + signature.length)
  body.set(tail, head.length + 4 + signature.length + data.length)
  return body
}

const fail = (detail: string) => Result.fail(new SealedBodyError({ detail }))

const quoted = (text: string): string => text.replace(/[$()*+.?[\\\]^{|}]/gu, "\\$&")

/** The longest head that is looked at. */
const longestHead = 1024

/** Latin-1, so that a character is a byte. */
const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")

interface Shape {
  /** From the begin to the encrypted part; captures its header lines. */
  readonly head: RegExp
  readonly tail: RegExp
}

const shapeOf = (contentType: string): Shape | undefined => {
  const named = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))/iu.exec(contentType)
  const name = named?.[1] ?? named?.[2]
  if (!isSealed(contentType) || name === undefined) return undefined
  const line = String.raw`--[ \t]*${quoted(name)}`
  return {
    head: new RegExp(
      String.raw`^(?:\r\n)?${line}\r\n((?:[^\r\n]+\r\n){1,8}?)${line}\r\n[ \t]*Content-Type:[ \t]*application/octet-stream[ \t]*\r\n`,
      "iu"
    ),
    tail: new RegExp(`^${line}(?:--)?(?:\\r\\n)?$`, "iu")
  }
}

/** A listener names the same boundary in every answer. */
let last: { readonly contentType: string; readonly shape: Shape | undefined } = {
  contentType: sealedContentType,
  shape: shapeOf(sealedContentType)
}

const shapeAgain = (contentType: string): Shape | undefined => {
  if (last.contentType !== contentType) last = { contentType, shape: shapeOf(contentType) }
  return last.shape
}

const protocolLine = new RegExp(String.raw`^[ \t]*Content-Type:[ \t]*${quoted(protocol)}[ \t]*\r$`, "imu")
const lengthLine = /^[ \t]*OriginalContent:[^\r\n]*;[ \t]*Length=(\d{1,9})[ \t]*\r$/imu

/**
 * Parsed by lengths, since what is encrypted may hold anything. As lenient as clients of WinRM are: a space after the dashes
 * of a boundary (Exchange writes one), header lines with or without their tab, no dashes or line's end at the very end.
 */
export const decodeSealed = (contentType: string, body: Uint8Array): Result.Result<SealedBody, SealedBodyError> => {
  const shape = shapeAgain(contentType)
  if (shape === undefined) return fail("not a multipart/encrypted body with a boundary")
  const head = shape.head.exec(latin(body.subarray(0, longestHead)))
  if (head === null) return fail("the parts of a sealed body are not where they belong")
  const [, headers = ""] = head
  if (!protocolLine.test(headers)) return fail("a sealed body of another protocol")
  const lengthText = lengthLine.exec(headers)?.[1]
  if (lengthText === undefined) return fail("a sealed body without the length of its content")
  const start = head[0].length
  if (body.length < start + 4 + signatureLength) return fail("a sealed body without its signature")
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  if (view.getUint32(start, true) !== signatureLength) return fail("a sealed body with a signature of another kind")
  const dataAt = start + 4 + signatureLength
  const end = dataAt + Number(lengthText)
  if (end > body.length) return fail("a sealed body that is cut off")
  if (!shape.tail.test(latin(body.subarray(end, end + longestHead))))
    return fail("a sealed body that is longer than its content")
  return Result.succeed({ signature: body.subarray(start + 4, dataAt), data: body.subarray(dataAt, end) })
}
