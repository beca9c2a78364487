/** The server's side of SPNEGO (RFC 4178 §4.2) around NTLM: tokens that come wrapped are answered so, others as they are. */
import * as Result from "effect/Result"
import type { NtlmSecurity } from "../../../layers/wsman/NtlmSecurity.ts"
import * as Spnego from "../../../layers/wsman/Spnego.ts"

/** What a connection's client offered, once it began to wrap its tokens. */
export interface Wrapping {
  readonly mechanismList: Uint8Array
}

export interface Opened {
  /** The token of NTLM; undefined where the client waits to hear that NTLM it is. */
  readonly token: Uint8Array | undefined
  /** undefined: this client does not wrap. */
  readonly wrapping: Wrapping | undefined
  readonly checksum: Uint8Array | undefined
}

/** Fails for what cannot be read, and for a client that offers no NTLM. */
export const open = (token: Uint8Array, before: Wrapping | undefined): Result.Result<Opened, string> => {
  if (!Spnego.isWrapped(token)) return Result.succeed({ token, wrapping: undefined, checksum: undefined })
  return Result.flatMap(
    Result.mapError(Spnego.decode(token), ({ message }) => message),
    (read): Result.Result<Opened, string> => {
      if (read._tag === "Resp")
        return before === undefined
          ? Result.fail("no first token")
          : Result.succeed({ token: read.token, wrapping: before, checksum: read.checksum })
      if (!read.mechanisms.includes(Spnego.Mechanism.ntlm)) return Result.fail("no NTLM")
      return Result.succeed({
        // A first token is for the mechanism that is liked most; the client sends another when that is not to be.
        token: read.mechanisms[0] === Spnego.Mechanism.ntlm ? read.token : undefined,
        wrapping: { mechanismList: read.mechanismList },
        checksum: undefined
      })
    }
  )
}

/** The answer to a first token: NTLM it is, with the challenge where there was something to challenge. */
export const challenge = (wrapping: Wrapping | undefined, token: Uint8Array | undefined): Uint8Array | undefined =>
  wrapping === undefined
    ? token
    : Spnego.encodeResp({
        // Without a token of its own the client's list must be proved not to have been shortened on the way.
        state: token === undefined ? Spnego.NegState.requestMic : Spnego.NegState.acceptIncomplete,
        mechanism: Spnego.Mechanism.ntlm,
        token
      })

/** The answer to a log-on that is accepted; undefined for none. Fails when the client's list of mechanisms was changed on its way. */
export const complete = (
  { wrapping, checksum }: Opened,
  security: NtlmSecurity
): Result.Result<Uint8Array | undefined, string> => {
  if (wrapping === undefined) return Result.succeed(undefined)
  const state = Spnego.NegState.acceptCompleted
  if (checksum === undefined) return Result.succeed(Spnego.encodeResp({ state }))
  return security.holdsMechanisms(wrapping.mechanismList, checksum)
    ? Result.succeed(Spnego.encodeResp({ state, checksum: security.signMechanisms(wrapping.mechanismList) }))
    : Result.fail("the checksum of the mechanisms is wrong")
}
