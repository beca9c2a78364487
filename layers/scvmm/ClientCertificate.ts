/** The client certificate that logs on to exec hosts: a pair of PEM texts that belong together. */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto"

export interface ClientCertificate {
  /** PEM, with what leads to its root. */
  readonly cert: string
  /** PEM, not encrypted. */
  readonly key: Redacted.Redacted<string>
}

/** Keys of a Secret of type kubernetes.io/tls. */
export const secretKeys = { cert: "tls.crt", key: "tls.key" } as const

/** What is wrong with which of them; holds nothing of either. */
export interface Flaw {
  readonly key: (typeof secretKeys)[keyof typeof secretKeys]
  readonly detail: string
}

const flaw = (key: Flaw["key"], detail: string) => Result.fail<Flaw>({ key, detail })

const read = <A>(parse: () => A): A | undefined => Result.getOrUndefined(Result.try(parse))

/** The pair, as TLS can use it. Fails for what is missing or no PEM, for a key with a passphrase, and for the key of another certificate. */
export const clientCertificate = (
  cert: string | undefined,
  key: string | undefined
): Result.Result<ClientCertificate, Flaw> => {
  if (cert === undefined || cert === "") return flaw(secretKeys.cert, "is missing: the client certificate in PEM")
  if (key === undefined || key === "") return flaw(secretKeys.key, "is missing: the certificate's private key in PEM")
  const certificate = read(() => new X509Certificate(cert))
  if (certificate === undefined) return flaw(secretKeys.cert, "is not a certificate in PEM")
  const own: KeyObject | undefined = read(() => createPrivateKey(key))
  if (own === undefined) return flaw(secretKeys.key, "is not a private key in PEM, or needs a passphrase")
  return certificate.checkPrivateKey(own)
    ? Result.succeed({ cert, key: Redacted.make(key) })
    : flaw(secretKeys.key, `is not the key of the certificate in ${secretKeys.cert}`)
}
