/** A certificate authority of the simulators: short-lived server and client certificates for 127.0.0.1. */
// The certificate library wants it loaded first.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata"
import * as x509 from "@peculiar/x509"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { type webcrypto, createHash, subtle as subtleCrypto } from "node:crypto"

export interface Certificate {
  /** PEM of the certificate alone; its issuer is the authority itself. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
  /** Hex SHA-256 of the DER, lower case: what Tls.thumbprint takes. */
  readonly thumbprint: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** O of the subject, one each: the groups of a Kubernetes user. */
  readonly organizations?: ReadonlyArray<string>
  /** DNS names and IP addresses; for servers. */
  readonly hosts?: ReadonlyArray<string>
  /** "name@domain", by which Windows knows whose client certificate it is. */
  readonly userPrincipalName?: string
  readonly usage: "server" | "client"
  /** From now; a negative duration makes an expired certificate. Default: 30 days. */
  readonly lifetime?: Duration.Input
}

export interface CertificateAuthority {
  /** PEM: what clients trust. */
  readonly ca: string
  readonly issue: (request: CertificateRequest) => Effect.Effect<Certificate>
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const

const keyPair = Effect.promise(() => subtleCrypto.generateKey(algorithm, true, ["sign", "verify"]))

const pem = (label: string, der: ArrayBuffer): string => {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/gu) ?? []
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`
}

const exportKey = (key: webcrypto.CryptoKey) =>
  Effect.map(
    Effect.promise(() => subtleCrypto.exportKey("pkcs8", key)),
    (der) => pem("PRIVATE KEY", der)
  )

/** Clocks of other machines may be behind. */
const clockSkew = Duration.toMillis("1 hour")

const serverHosts = ["localhost", "127.0.0.1", "::1"]

const isAddress = (host: string): boolean => /^[\d.]+$|:/u.test(host)

/** Makes a new authority with a P-256 key; `commonName` names it in the certificates it issues. */
export const make = Effect.fn("CertificateAuthority.make")(function* (commonName: string) {
  const now = yield* Clock.currentTimeMillis
  const keys = yield* keyPair
  const root = yield* Effect.promise(async () =>
    x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [commonName] }],
      notBefore: new Date(now - clockSkew),
      notAfter: new Date(now + Duration.toMillis("3650 days")),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey)
      ]
    })
  )

  const issue = Effect.fn("CertificateAuthority.issue")(function* (request: CertificateRequest) {
    const issued = yield* Clock.currentTimeMillis
    const notAfter = issued + Duration.toMillis(request.lifetime ?? "30 days")
    const subject = yield* keyPair
    const hosts = request.usage === "server" ? [...new Set([...(request.hosts ?? []), ...serverHosts])] : []
    const names = [
      ...hosts.map((value) => ({ type: isAddress(value) ? ("ip" as const) : ("dns" as const), value })),
      ...(request.userPrincipalName === undefined ? [] : [{ type: "upn" as const, value: request.userPrincipalName }])
    ]
    const certificate = yield* Effect.promise(async () =>
      x509.X509CertificateGenerator.create({
        subject: [{ CN: [request.commonName] }, ...(request.organizations ?? []).map((name) => ({ O: [name] }))],
        issuer: root.subject,
        notBefore: new Date(Math.min(issued, notAfter) - clockSkew),
        notAfter: new Date(notAfter),
        signingAlgorithm: algorithm,
        publicKey: subject.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([
            request.usage === "server" ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
          ]),
          await x509.SubjectKeyIdentifierExtension.create(subject.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
          ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)])
        ]
      })
    )
    return {
      cert: `${certificate.toString("pem")}\n`,
      key: yield* exportKey(subject.privateKey),
      thumbprint: createHash("sha256").update(new Uint8Array(certificate.rawData)).digest("hex")
    } satisfies Certificate
  })

  return { ca: `${root.toString("pem")}\n`, issue } satisfies CertificateAuthority
})
