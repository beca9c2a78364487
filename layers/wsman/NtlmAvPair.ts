/** What a server tells of itself, and a client of what it wants: AV_PAIR (MS-NLMP §2.2.2.1). */
import * as Result from "effect/Result"
import { concat } from "./NtlmBytes.ts"
import { NtlmError } from "./NtlmError.ts"

export const AvId = {
  EndOfList: 0,
  NbComputerName: 1,
  NbDomainName: 2,
  DnsComputerName: 3,
  DnsDomainName: 4,
  Flags: 6,
  /** FILETIME. Whoever gets it must send a MIC. */
  Timestamp: 7,
  /** SPN in UTF-16LE. */
  TargetName: 9,
  /** MD5 of the gss_channel_bindings_struct. */
  ChannelBindings: 10
} as const

/** Of AvId.Flags: the AUTHENTICATE message has a MIC. */
export const avFlagMic = 0x2

export interface AvPair {
  readonly id: number
  readonly value: Uint8Array
}

export const avValue = (pairs: ReadonlyArray<AvPair>, id: number): Uint8Array | undefined =>
  pairs.find((pair) => pair.id === id)?.value

const header = (id: number, length: number): Uint8Array => {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint16(0, id, true)
  view.setUint16(2, length, true)
  return new Uint8Array(view.buffer)
}

/** With the end of the list. */
export const encodeAvPairs = (pairs: ReadonlyArray<AvPair>): Uint8Array =>
  concat(...pairs.flatMap(({ id, value }) => [header(id, value.length), value]), header(AvId.EndOfList, 0))

/** Up to the end of the list; what follows it is no part of it. */
export const decodeAvPairs = (bytes: Uint8Array): Result.Result<ReadonlyArray<AvPair>, NtlmError> => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const pairs: Array<AvPair> = []
  for (let at = 0; at + 4 <= bytes.length;) {
    const id = view.getUint16(at, true)
    const length = view.getUint16(at + 2, true)
    if (id === AvId.EndOfList) return Result.succeed(pairs)
    const value = bytes.subarray(at + 4, at + 4 + length)
    if (value.length < length) break
    pairs.push({ id, value })
    at += 4 + length
  }
  return Result.fail(new NtlmError({ reason: "malformed", detail: "the target information does not end" }))
}
