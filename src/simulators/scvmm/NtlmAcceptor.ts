/** The server's side of an NTLMv2 log-on (MS-NLMP §3.2.5): challenges a client, and checks what it answers. */
import * as Result from "effect/Result"
import { AvId, avFlagMic, type AvPair, avValue, decodeAvPairs } from "../../../layers/wsman/NtlmAvPair.ts"
import { concat, encodeUtf16 } from "../../../layers/wsman/NtlmBytes.ts"
import { channelBindingHash } from "../../../layers/wsman/NtlmClient.ts"
import { equal, hmacMd5 } from "../../../layers/wsman/NtlmCrypto.ts"
import { NtlmError } from "../../../layers/wsman/NtlmError.ts"
import { flagsOf, type NtlmFlagName } from "../../../layers/wsman/NtlmFlag.ts"
import { fileTime, ntHash, proofOf, responseKey, sessionBaseKey, targetInfoAt } from "../../../layers/wsman/NtlmKeys.ts"
import {
  type AuthenticateMessage,
  decodeAuthenticate,
  decodeNegotiate,
  encodeChallenge,
  withoutMic
} from "../../../layers/wsman/NtlmMessage.ts"
import * as NtlmSecurity from "../../../layers/wsman/NtlmSecurity.ts"
import * as Rc4 from "../../../layers/wsman/Rc4.ts"

export interface Account {
  /** "DOMAIN\\name", "name@domain" or a local name. */
  readonly userName: string
  readonly password: string
}

/** A log-on that was challenged. */
export interface Challenged {
  readonly negotiate: Uint8Array
  readonly challenge: Uint8Array
  readonly serverChallenge: Uint8Array
}

/** What Windows grants whoever asks for it. */
export const usualGrants: ReadonlyArray<NtlmFlagName> = [
  "Unicode",
  "RequestTarget",
  "Sign",
  "Seal",
  "Ntlm",
  "AlwaysSign",
  "ExtendedSessionSecurity",
  "Version",
  "Key128",
  "KeyExchange",
  "Key56"
]

export interface ChallengeOptions {
  readonly computerName: string
  /** 8 random bytes. */
  readonly serverChallenge: Uint8Array
  readonly epochMillis: number
  readonly grants: ReadonlyArray<NtlmFlagName>
}

/** The second message, from the first. */
export const challenge = (negotiate: Uint8Array, options: ChallengeOptions): Result.Result<Challenged, NtlmError> =>
  Result.map(decodeNegotiate(negotiate), (asked) => {
    const name = encodeUtf16(options.computerName)
    const token = encodeChallenge({
      flags: ((asked & flagsOf(options.grants)) | flagsOf(["TargetInfo", "TargetTypeServer"])) >>> 0,
      serverChallenge: options.serverChallenge,
      targetName: options.computerName,
      targetInfo: [
        { id: AvId.NbDomainName, value: name },
        { id: AvId.NbComputerName, value: name },
        { id: AvId.Timestamp, value: fileTime(options.epochMillis) }
      ]
    })
    return { negotiate, challenge: token, serverChallenge: options.serverChallenge }
  })

/** The log-on is refused, whatever the reason: a client learns no more. */
export class Refused {
  readonly _tag = "Refused"
  readonly reason: string
  /** Whose password it was not: what counts towards a lock-out. */
  readonly account: Account | undefined
  constructor(reason: string, account?: Account) {
    this.reason = reason
    this.account = account
  }
}

const refuse = (reason: string, account?: Account) => Result.fail(new Refused(reason, account))

/** Whose channel binding a log-on inside TLS must name (CbtHardeningLevel of winrm/config/service/auth). */
export interface ChannelBinding {
  /** Application data of the server's own TLS. */
  readonly own: Uint8Array
  /** Relaxed lets in who names none, Strict nobody. */
  readonly level: "Relaxed" | "Strict"
}

const isBound = (pairs: ReadonlyArray<AvPair>, { own, level }: ChannelBinding): boolean => {
  const named = avValue(pairs, AvId.ChannelBindings)
  // Clients that know none say so with zeros.
  return named === undefined || named.every((byte) => byte === 0)
    ? level === "Relaxed"
    : equal(named, channelBindingHash(own))
}

const accountOf = <A extends Account>(message: AuthenticateMessage, accounts: ReadonlyArray<A>): A | undefined => {
  const text = message.domain === "" ? message.userName : `${message.domain}\\${message.userName}`
  return accounts.find(({ userName }) => userName.toLowerCase() === text.toLowerCase())
}

/**
 * Checks the third message: name, proof of the password, channel binding where the server has one, and MIC.
 * @param channelBinding absent where none is looked at; a client that names another spoke to somebody in between
 */
export const accept = <A extends Account>(
  challenged: Challenged,
  token: Uint8Array,
  accounts: ReadonlyArray<A>,
  channelBinding?: ChannelBinding
): Result.Result<{ readonly account: A; readonly security: NtlmSecurity.NtlmSecurity }, Refused> => {
  const decoded = decodeAuthenticate(token)
  if (Result.isFailure(decoded)) return refuse(decoded.failure.message)
  const message = decoded.success
  const account = accountOf(message, accounts)
  if (account === undefined) return refuse("no such user")
  const [proof, temp] = [message.ntResponse.subarray(0, 16), message.ntResponse.subarray(16)]
  const key = responseKey(ntHash(account.password), message.userName, message.domain)
  if (!equal(proof, proofOf(key, challenged.serverChallenge, temp))) return refuse("wrong password", account)
  const pairs = decodeAvPairs(temp.subarray(targetInfoAt))
  if (Result.isFailure(pairs)) return refuse(pairs.failure.message)
  if (channelBinding !== undefined && !isBound(pairs.success, channelBinding)) return refuse("channel binding")
  const sessionKey = Rc4.make(sessionBaseKey(key, proof)).apply(message.encryptedSessionKey)
  const hasMic = ((avValue(pairs.success, AvId.Flags)?.[0] ?? 0) & avFlagMic) !== 0
  if (hasMic) {
    const whole = concat(challenged.negotiate, challenged.challenge, withoutMic(token))
    if (message.mic === undefined || !equal(message.mic, hmacMd5(sessionKey, whole))) return refuse("MIC")
  }
  return Result.succeed({ account, security: NtlmSecurity.make(sessionKey, "server") })
}
