/** The wrapping of tokens by which two sides agree on a mechanism (SPNEGO, RFC 4178 §4.2). */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { context, contentOf, type Element, element, elements, encode, Tag } from "./Der.ts"

/** DER contents of the object identifiers, in hexadecimal. */
export const Mechanism = {
  /** 1.3.6.1.4.1.311.2.2.10 */
  ntlm: "2b06010401823702020a",
  /** 1.2.840.113554.1.2.2 */
  kerberos: "2a864886f712010202"
} as const

export const NegState = { acceptCompleted: 0, acceptIncomplete: 1, reject: 2, requestMic: 3 } as const

/** The first message: what the client knows, most liked first. */
export interface NegTokenInit {
  readonly _tag: "Init"
  readonly mechanisms: ReadonlyArray<string>
  /** The mechanisms as they came: what the checksum of the list is over. */
  readonly mechanismList: Uint8Array
  /** For the first of them. */
  readonly token: Uint8Array | undefined
}

/** Every later one, of either side. */
export interface NegTokenResp {
  readonly _tag: "Resp"
  readonly state: number | undefined
  readonly mechanism: string | undefined
  readonly token: Uint8Array | undefined
  /** Checksum of the list of mechanisms, by the mechanism that was agreed on. */
  readonly checksum: Uint8Array | undefined
}

export class SpnegoError extends Data.TaggedError("SpnegoError")<{ readonly detail: string }> {
  override get message() {
    return this.detail
  }
}

/** 1.3.6.1.5.5.2 */
const spnego = "2b0601050502"
const application = 0x60

const noBytes = new Uint8Array(0)

/** More of them than Windows or anybody else sends. */
const mostMechanisms = 32
/** A ticket with a large authorization is 64 KiB at the most. */
const mostBytes = 128 * 1024

const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")
const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16))

const fail = (detail: string) => Result.fail(new SpnegoError({ detail }))

/** Whether this is wrapped at all: tokens of a mechanism may also come as they are. */
export const isWrapped = (bytes: Uint8Array): boolean =>
  bytes[0] === context(1) ||
  (bytes[0] === application && hexOf(contentOf(element(bytes)?.content, Tag.objectIdentifier) ?? noBytes) === spnego)

/** The numbered fields of a SEQUENCE, each at most once, in order. */
const fieldsOf = (sequence: Uint8Array | undefined): ReadonlyMap<number, Uint8Array> | undefined => {
  const found = sequence === undefined ? undefined : elements(sequence, 4)
  if (found === undefined) return undefined
  const ordered = found.every(({ tag }, at) => {
    const before = found[at - 1]?.tag
    return tag >= context(0) && tag <= context(4) && (before === undefined || before < tag)
  })
  return ordered ? new Map(found.map(({ tag, content }) => [tag, content])) : undefined
}

const octets = (field: Uint8Array | undefined): Uint8Array | undefined => contentOf(field, Tag.octetString)

/** A field that is there must hold octets. */
const holdsOctets = (field: Uint8Array | undefined): boolean => field === undefined || octets(field) !== undefined

const decodeInit = (body: Element | undefined): Result.Result<NegTokenInit, SpnegoError> => {
  const fields = body?.tag === context(0) ? fieldsOf(contentOf(body.content, Tag.sequence)) : undefined
  const list = fields?.get(context(0))
  const mechanisms = list === undefined ? undefined : elements(contentOf(list, Tag.sequence) ?? noBytes, mostMechanisms)
  if (
    fields === undefined ||
    list === undefined ||
    mechanisms === undefined ||
    mechanisms.length === 0 ||
    !mechanisms.every(({ tag }) => tag === Tag.objectIdentifier) ||
    !holdsOctets(fields.get(context(2)))
  )
    return fail("a NegTokenInit that cannot be read")
  return Result.succeed({
    _tag: "Init",
    mechanisms: mechanisms.map(({ content }) => hexOf(content)),
    mechanismList: list,
    token: octets(fields.get(context(2)))
  })
}

const decodeResp = (body: Uint8Array): Result.Result<NegTokenResp, SpnegoError> => {
  const fields = fieldsOf(contentOf(body, Tag.sequence))
  const state = contentOf(fields?.get(context(0)), Tag.enumerated)
  const mechanism = contentOf(fields?.get(context(1)), Tag.objectIdentifier)
  if (
    fields === undefined ||
    (fields.has(context(0)) && (state?.length !== 1 || (state[0] ?? 4) > NegState.requestMic)) ||
    (fields.has(context(1)) && mechanism === undefined) ||
    !holdsOctets(fields.get(context(2))) ||
    !holdsOctets(fields.get(context(3)))
  )
    return fail("a NegTokenResp that cannot be read")
  return Result.succeed({
    _tag: "Resp",
    state: state?.[0],
    mechanism: mechanism === undefined ? undefined : hexOf(mechanism),
    token: octets(fields.get(context(2))),
    checksum: octets(fields.get(context(3)))
  })
}

/** Reads a wrapped token; nothing may follow it. */
export const decode = (bytes: Uint8Array): Result.Result<NegTokenInit | NegTokenResp, SpnegoError> => {
  if (bytes.length > mostBytes) return fail(`a token of more than ${mostBytes} bytes`)
  const outer = element(bytes)
  if (outer === undefined || outer.rest.length > 0) return fail("no token of SPNEGO")
  if (outer.tag === context(1)) return decodeResp(outer.content)
  const name = element(outer.content)
  return outer.tag === application && name?.tag === Tag.objectIdentifier && hexOf(name.content) === spnego
    ? decodeInit(element(name.rest))
    : fail("no token of SPNEGO")
}

const optional = (number: number, tag: number, content: Uint8Array | undefined): ReadonlyArray<Uint8Array> =>
  content === undefined ? [] : [encode(context(number), encode(tag, content))]

export const encodeInit = (mechanisms: ReadonlyArray<string>, token: Uint8Array | undefined): Uint8Array =>
  encode(
    application,
    encode(Tag.objectIdentifier, bytesOf(spnego)),
    encode(
      context(0),
      encode(
        Tag.sequence,
        encode(
          context(0),
          encode(Tag.sequence, ...mechanisms.map((mechanism) => encode(Tag.objectIdentifier, bytesOf(mechanism))))
        ),
        ...optional(2, Tag.octetString, token)
      )
    )
  )

export const encodeResp = (response: Partial<Omit<NegTokenResp, "_tag">>): Uint8Array =>
  encode(
    context(1),
    encode(
      Tag.sequence,
      ...optional(0, Tag.enumerated, response.state === undefined ? undefined : Uint8Array.of(response.state)),
      ...optional(1, Tag.objectIdentifier, response.mechanism === undefined ? undefined : bytesOf(response.mechanism)),
      ...optional(2, Tag.octetString, response.token),
      ...optional(3, Tag.octetString, response.checksum)
    )
  )
