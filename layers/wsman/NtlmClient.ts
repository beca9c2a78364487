/** A client's side of an NTLMv2 log-on: its two messages, and the security that they establish. */
import * as Result from "effect/Result"
import { AvId, avFlagMic, type AvPair, avValue, encodeAvPairs } from "./NtlmAvPair.ts"
import { concat, encodeUtf16, uint32 } from "./NtlmBytes.ts"
import { hmacMd5, md5 } from "./NtlmCrypto.ts"
import { NtlmError } from "./NtlmError.ts"
import { clientFlags, flagsOf, missingFlags } from "./NtlmFlag.ts"
import { fileTime, ntHash, ntResponse, responseKey } from "./NtlmKeys.ts"
import { type ChallengeMessage, decodeChallenge, encodeAuthenticate, encodeNegotiate } from "./NtlmMessage.ts"
import * as NtlmSecurity from "./NtlmSecurity.ts"
import * as Rc4 from "./Rc4.ts"

/** The first message, the same for everybody. */
export const negotiate: Uint8Array = encodeNegotiate(flagsOf(clientFlags))

/** "DOMAIN\\name" in two; any other name, also "name@domain", goes without a domain. */
export const splitUserName = (text: string): { readonly domain: string; readonly userName: string } => {
  const at = text.indexOf("\\")
  return at < 0 ? { domain: "", userName: text } : { domain: text.slice(0, at), userName: text.slice(at + 1) }
}

export interface AuthenticateInput {
  /** "DOMAIN\\name", "name@domain" or a local name. */
  readonly userName: string
  readonly password: string
  /** SPN, "host/exec1.example.com". */
  readonly targetName: string
  /** Of RFC 5929, for a log-on inside TLS: "tls-server-end-point:" and the certificate's hash. */
  readonly channelBinding?: Uint8Array
  readonly epochMillis: number
  /** 8 random bytes. */
  readonly clientChallenge: Uint8Array
  /** 16 random bytes. */
  readonly sessionKey: Uint8Array
}

/** MD5 of a gss_channel_bindings_struct without addresses (RFC 4121 §4.1.1.2). */
export const channelBindingHash = (applicationData: Uint8Array): Uint8Array =>
  md5(new Uint8Array(16), uint32(applicationData.length), applicationData)

const targetInfoOf = ({ targetInfo }: ChallengeMessage, input: AuthenticateInput): ReadonlyArray<AvPair> => {
  const ours = new Set<number>([AvId.Flags, AvId.TargetName, AvId.ChannelBindings])
  const bits = avValue(targetInfo, AvId.Flags)?.[0] ?? 0
  return [
    ...targetInfo.filter(({ id }) => !ours.has(id)),
    { id: AvId.Flags, value: uint32(bits | avFlagMic) },
    ...(input.channelBinding === undefined
      ? []
      : [{ id: AvId.ChannelBindings, value: channelBindingHash(input.channelBinding) }]),
    { id: AvId.TargetName, value: encodeUtf16(input.targetName) }
  ]
}

/**
 * The third message, from the second: NTLMv2 with a MIC over all three. Fails for a challenge that cannot be read, or that
 * does not grant what sealing needs: there is no weaker log-on.
 */
export const authenticate = (
  challengeToken: Uint8Array,
  input: AuthenticateInput
): Result.Result<{ readonly token: Uint8Array; readonly security: NtlmSecurity.NtlmSecurity }, NtlmError> =>
  Result.flatMap(decodeChallenge(challengeToken), (challenge) => {
    const missing = missingFlags(challenge.flags)
    if (missing.length > 0)
      return Result.fail(
        new NtlmError({ reason: "flagsNotGranted", detail: `the listener does not grant ${missing.join(", ")}` })
      )
    const { domain, userName } = splitUserName(input.userName)
    const { response, baseKey } = ntResponse({
      responseKey: responseKey(ntHash(input.password), userName, domain),
      serverChallenge: challenge.serverChallenge,
      clientChallenge: input.clientChallenge,
      time: avValue(challenge.targetInfo, AvId.Timestamp) ?? fileTime(input.epochMillis),
      targetInfo: encodeAvPairs(targetInfoOf(challenge, input))
    })
    const message = {
      flags: challenge.flags,
      domain,
      userName,
      workstation: "",
      lmResponse: new Uint8Array(24),
      ntResponse: response,
      encryptedSessionKey: Rc4.make(baseKey).apply(input.sessionKey)
    }
    const blank = encodeAuthenticate({ ...message, mic: new Uint8Array(16) })
    const mic = hmacMd5(input.sessionKey, concat(negotiate, challengeToken, blank))
    return Result.succeed({
      token: encodeAuthenticate({ ...message, mic }),
      security: NtlmSecurity.make(input.sessionKey, "client")
    })
  })
