/** How envelopes travel on a connection that is logged on. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { envelopeOf, type HttpAnswer, soapContentType, unsealedEnvelopeOf } from "./HttpAnswer.ts"
import type { NtlmSecurity } from "./NtlmSecurity.ts"
import { encodeSealed, sealedContentType } from "./Sealing.ts"
import { AuthenticationFailed, type WsmanError } from "./WsmanError.ts"

export interface Carrier {
  /** The log-on belongs to the connection: a 401 later on says that the listener knows of it no longer, not that it is refused. */
  readonly bound: boolean
  readonly wrap: (envelope: Uint8Array) => {
    readonly headers: Readonly<Record<string, string>>
    readonly contentType: string
    readonly body: Uint8Array
  }
  readonly unwrap: (answer: HttpAnswer) => Effect.Effect<string, WsmanError>
}

/** Inside TLS, on a connection that is logged on. */
export const plain: Carrier = {
  bound: true,
  wrap: (body) => ({ headers: {}, contentType: soapContentType, body }),
  unwrap: envelopeOf
}

/** Every message encrypted and signed: order matters, and an exchange that is cut spoils all later ones. */
export const sealed = (security: NtlmSecurity): Carrier => ({
  bound: true,
  wrap: (body) => ({ headers: {}, contentType: sealedContentType, body: encodeSealed(security.seal(body)) }),
  unwrap: (answer) => unsealedEnvelopeOf(answer, security)
})

/** Inside TLS, where each request says who asks. */
export const basic = (authorization: Redacted.Redacted<string>): Carrier => ({
  bound: false,
  wrap: (body) => ({ headers: { authorization: Redacted.value(authorization) }, contentType: soapContentType, body }),
  unwrap: envelopeOf
})

/** What WinRM calls a log-on by the certificate of the connection (DSP0226 C.3.2); clients send it as it is. */
export const mutualTls = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"

/** Inside TLS, where the client's certificate says who asks. */
export const certificate: Carrier = {
  bound: false,
  wrap: (body) => ({ headers: { authorization: mutualTls }, contentType: soapContentType, body }),
  unwrap: (answer) =>
    answer.status === 401
      ? Effect.fail(
          new AuthenticationFailed({
            detail: "HTTP 401 to the client certificate",
            remedy:
              "Check tls.crt and tls.key of the Secret against winrm/config/service/certmapping, that Service/Auth/Certificate is true, and that the host trusts the issuer",
            sent: false
          })
        )
      : envelopeOf(answer)
}
