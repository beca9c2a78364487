/** The three messages of an NTLM log-on (MS-NLMP §2.2.1), in Unicode. */
import * as Result from "effect/Result"
import { type AvPair, decodeAvPairs, encodeAvPairs } from "./NtlmAvPair.ts"
import { concat, decodeUtf16, encodeUtf16, uint32 } from "./NtlmBytes.ts"
import { NtlmError } from "./NtlmError.ts"
import { NtlmFlag } from "./NtlmFlag.ts"

export interface ChallengeMessage {
  readonly flags: number
  /** 8 bytes. */
  readonly serverChallenge: Uint8Array
  readonly targetName: string
  readonly targetInfo: ReadonlyArray<AvPair>
}

export interface AuthenticateMessage {
  readonly flags: number
  readonly domain: string
  readonly userName: string
  readonly workstation: string
  readonly lmResponse: Uint8Array
  readonly ntResponse: Uint8Array
  readonly encryptedSessionKey: Uint8Array
  /** 16 bytes; zeros while it is computed. Absent in messages of clients without one. */
  readonly mic: Uint8Array | undefined
}

const signature = new TextEncoder().encode("NTLMSSP\0")

/** Windows 10.0 build 20348, revision 15: some servers want to see one. */
const version = Uint8Array.of(10, 0, 0x7c, 0x4f, 0, 0, 0, 15)

const malformed = (detail: string) => Result.fail(new NtlmError({ reason: "malformed", detail }))

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** Length, room and offset of a part of the payload. */
const field = (length: number, offset: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(8))
  view.setUint16(0, length, true)
  view.setUint16(2, length, true)
  view.setUint32(4, offset, true)
  return new Uint8Array(view.buffer)
}

/** Where the parts of a payload that begins at `start` lie. */
const fields = (start: number, parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  let offset = start
  return parts.map(({ length }) => {
    const written = field(length, offset)
    offset += length
    return written
  })
}

/** The part that the field at `at` names. */
const partOf = (bytes: Uint8Array, at: number): Uint8Array | undefined => {
  const view = viewOf(bytes)
  const length = view.getUint16(at, true)
  const offset = view.getUint32(at + 4, true)
  const part = bytes.subarray(offset, offset + length)
  return part.length === length ? part : undefined
}

/** 1 NEGOTIATE, 2 CHALLENGE, 3 AUTHENTICATE; undefined for what is no token of NTLM. */
export const messageType = (bytes: Uint8Array): number | undefined =>
  bytes.length >= 12 && signature.every((byte, at) => bytes[at] === byte) ? viewOf(bytes).getUint32(8, true) : undefined

/** Asks for a log-on; names neither domain nor workstation. */
export const encodeNegotiate = (flags: number): Uint8Array =>
  concat(signature, uint32(1), uint32(flags), field(0, 0), field(0, 0), version)

/** What a client asks for. */
export const decodeNegotiate = (bytes: Uint8Array): Result.Result<number, NtlmError> =>
  messageType(bytes) === 1 && bytes.length >= 16
    ? Result.succeed(viewOf(bytes).getUint32(12, true))
    : malformed("not a NEGOTIATE message")

const challengeHeader = 56

export const encodeChallenge = (message: ChallengeMessage): Uint8Array => {
  const name = encodeUtf16(message.targetName)
  const info = encodeAvPairs(message.targetInfo)
  return concat(
    signature,
    uint32(2),
    field(name.length, challengeHeader),
    uint32(message.flags),
    message.serverChallenge,
    new Uint8Array(8),
    field(info.length, challengeHeader + name.length),
    version,
    name,
    info
  )
}

export const decodeChallenge = (bytes: Uint8Array): Result.Result<ChallengeMessage, NtlmError> => {
  if (messageType(bytes) !== 2 || bytes.length < 48) return malformed("not a CHALLENGE message")
  const flags = viewOf(bytes).getUint32(20, true)
  const targetName = partOf(bytes, 12)
  const info = (flags & NtlmFlag.TargetInfo) === 0 ? undefined : partOf(bytes, 40)
  if (targetName === undefined || info === undefined) return malformed("the CHALLENGE message lacks its payload")
  return Result.map(decodeAvPairs(info), (targetInfo) => ({
    flags,
    serverChallenge: bytes.slice(24, 32),
    targetName: decodeUtf16(targetName),
    targetInfo
  }))
}

const micAt = 72
const authenticateHeader = 88

export const encodeAuthenticate = (message: AuthenticateMessage): Uint8Array => {
  const payload = [
    message.lmResponse,
    message.ntResponse,
    encodeUtf16(message.domain),
    encodeUtf16(message.userName),
    encodeUtf16(message.workstation),
    message.encryptedSessionKey
  ]
  const mic = message.mic ?? new Uint8Array(0)
  const places = fields(micAt + mic.length, payload)
  return concat(signature, uint32(3), ...places, uint32(message.flags), version, mic, ...payload)
}

export const decodeAuthenticate = (bytes: Uint8Array): Result.Result<AuthenticateMessage, NtlmError> => {
  if (messageType(bytes) !== 3 || bytes.length < 64) return malformed("not an AUTHENTICATE message")
  const places = [12, 20, 28, 36, 44, 52]
  const [lmResponse, ntResponse, domain, userName, workstation, encryptedSessionKey] = places.map((at) =>
    partOf(bytes, at)
  )
  if (
    lmResponse === undefined ||
    ntResponse === undefined ||
    domain === undefined ||
    userName === undefined ||
    workstation === undefined ||
    encryptedSessionKey === undefined
  )
    return malformed("the AUTHENTICATE message lacks its payload")
  // Old clients have no room for a MIC: their payload begins where it would be.
  const view = viewOf(bytes)
  const start = Math.min(
    bytes.length,
    ...places.flatMap((at) => (view.getUint16(at, true) === 0 ? [] : [view.getUint32(at + 4, true)]))
  )
  return Result.succeed({
    flags: view.getUint32(60, true),
    domain: decodeUtf16(domain),
    userName: decodeUtf16(userName),
    workstation: decodeUtf16(workstation),
    lmResponse,
    ntResponse,
    encryptedSessionKey,
    mic: start >= authenticateHeader ? bytes.slice(micAt, authenticateHeader) : undefined
  })
}

/** The message as it is when its MIC is computed. */
export const withoutMic = (bytes: Uint8Array): Uint8Array => {
  const blank = bytes.slice()
  blank.fill(0, micAt, authenticateHeader)
  return blank
}
