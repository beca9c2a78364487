/** Certificates for servers and clients that tests start: a CA of their own, ECDSA P-256. */
// oxlint-disable-next-line import/no-unassigned-import -- a polyfill that @peculiar/x509 wants loaded first
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import * as crypto from "node:crypto"
import type { webcrypto } from "node:crypto"

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

/** PEM texts. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

export interface Leaf {
  readonly commonName: string
  readonly organization?: string
  readonly dns?: ReadonlyArray<string>
  readonly ip?: ReadonlyArray<string>
  readonly usage: "serverAuth" | "clientAuth"
  /** Milliseconds since the epoch; a day ahead when absent. */
  readonly notAfter?: number
}

export interface Authority {
  readonly cert: string
  readonly issue: (leaf: Leaf) => Promise<Pair>
}

const day = 86_400_000

const pem = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await crypto.webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY")

const serial = (): string => crypto.randomBytes(15).toString("hex").padStart(31, "1")

/** A new self-signed authority. Keys live in memory alone. */
export const makeAuthority = async (commonName: string): Promise<Authority> => {
  const now = Date.now()
  const keys = await crypto.webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${commonName}`,
    notBefore: new Date(now - day),
    notAfter: new Date(now + 30 * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
    ]
  })
  const issue = async (leaf: Leaf): Promise<Pair> => {
    const own = await crypto.webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])
    const names = [
      ...(leaf.dns ?? []).map((value) => ({ type: "dns" as const, value })),
      ...(leaf.ip ?? []).map((value) => ({ type: "ip" as const, value }))
    ]
    const organization = leaf.organization === undefined ? "" : `,O=${leaf.organization}`
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: serial(),
      subject: `CN=${leaf.commonName}${organization}`,
      issuer: root.subject,
      notBefore: new Date(now - 2 * day),
      notAfter: new Date(leaf.notAfter ?? now + day),
      signingAlgorithm: algorithm,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions: [
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[leaf.usage]]),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey)
      ]
    })
    return { cert: cert.toString("pem"), key: await pem(own.privateKey) }
  }
  return { cert: root.toString("pem"), issue }
}
