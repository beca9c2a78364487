/** What NTLM peers agree on: NegotiateFlags (MS-NLMP §2.2.2.5). */

export const NtlmFlag = {
  Unicode: 0x0000_0001,
  Oem: 0x0000_0002,
  RequestTarget: 0x0000_0004,
  Sign: 0x0000_0010,
  Seal: 0x0000_0020,
  Ntlm: 0x0000_0200,
  AlwaysSign: 0x0000_8000,
  TargetTypeServer: 0x0002_0000,
  ExtendedSessionSecurity: 0x0008_0000,
  TargetInfo: 0x0080_0000,
  Version: 0x0200_0000,
  Key128: 0x2000_0000,
  KeyExchange: 0x4000_0000,
  Key56: 0x8000_0000
} as const

export type NtlmFlagName = keyof typeof NtlmFlag

/** Unsigned: the highest of them is the sign of a JavaScript integer. */
export const flagsOf = (names: ReadonlyArray<NtlmFlagName>): number =>
  names.reduce((flags, name) => (flags | NtlmFlag[name]) >>> 0, 0)

/** What must be granted, or messages would be sealed weakly or not at all. */
export const requiredFlags: ReadonlyArray<NtlmFlagName> = [
  "Unicode",
  "Sign",
  "Seal",
  "ExtendedSessionSecurity",
  "Key128",
  "KeyExchange"
]

/** What a client asks for. */
export const clientFlags: ReadonlyArray<NtlmFlagName> = [
  ...requiredFlags,
  "RequestTarget",
  "Ntlm",
  "AlwaysSign",
  "Version",
  "Key56"
]

export const missingFlags = (flags: number): ReadonlyArray<NtlmFlagName> =>
  requiredFlags.filter((name) => (flags & NtlmFlag[name]) === 0)
