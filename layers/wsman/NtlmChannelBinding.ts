/** Which TLS connection a log-on is meant for: tls-server-end-point (RFC 5929 §4), read from the server's certificate. */
import { createHash } from "node:crypto"
import { element, Tag } from "./Der.ts"
import { concat } from "./NtlmBytes.ts"

/** OBJECT IDENTIFIER of the algorithm that signed a certificate, in hexadecimal. */
const signatureAlgorithm = (certificate: Uint8Array): string | undefined => {
  const whole = element(certificate)
  const signed = whole === undefined ? undefined : element(whole.content)
  const algorithm = signed === undefined ? undefined : element(signed.rest)
  const identifier = algorithm === undefined ? undefined : element(algorithm.content)
  return identifier?.tag === Tag.objectIdentifier
    ? [...identifier.content].map((octet) => octet.toString(16).padStart(2, "0")).join("")
    : undefined
}

/** Those whose hash is not SHA-256: RSA PKCS #1 and ECDSA. All others count as it, and MD5 and SHA-1 must. */
const hashes: Readonly<Record<string, "sha224" | "sha384" | "sha512" | undefined>> = {
  "2a864886f70d01010e": "sha224",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040301": "sha224",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512"
}

/** Application data of the channel binding, from the DER of the server's certificate. */
export const tlsServerEndPoint = (certificate: Uint8Array): Uint8Array =>
  concat(
    new TextEncoder().encode("tls-server-end-point:"),
    createHash(hashes[signatureAlgorithm(certificate) ?? ""] ?? "sha256")
      .update(certificate)
      .digest()
  )
